"""The doctor says whether edited templates can be set."""

import pytest

from api.cli import checkup
from api.cli.finding import Level


@pytest.mark.parametrize(("version", "level"), [(0, Level.WARN), (1, Level.OK), (7, Level.OK)])
def test_a_kernel_without_landlock_is_told(
    version: int, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "landlock_version", lambda: version)
    found = checkup.trials_of_templates()
    assert (found.check, found.level) == ("trials", level)
    assert ("lsm=" in found.detail) is (version == 0)
