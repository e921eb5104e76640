"""The checked-in drawings are what their generator draws."""

import pytest

from signing.typeset.ornaments import FOLDER, drawings


def test_there_are_no_other_files() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(drawings())


@pytest.mark.parametrize("name", drawings())
def test_a_file_is_as_drawn(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == drawings()[name], (
        "run python -m signing.typeset.ornaments"
    )
