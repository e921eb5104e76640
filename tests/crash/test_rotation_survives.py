"""kill -9 in the middle of a rotation: the vault goes on, and the same command goes on where it was."""

import signal
from collections.abc import Iterator

import pytest

from storage.embedded import EngineAddresses
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.flows.test_rotation import assert_found_everywhere, company, holder_rows, request_of, rotated
from tests.programs import dying
from tests.vaults import own_vault
from vault.fsck import fsck
from vault.rotating import outdated_rows, retire

pytestmark = [pytest.mark.engines, pytest.mark.crash]

# After the file was written, after the versions became active (inside the transaction: they did not), after
# pages of several tables, inside a page's transaction, and when all was renewed.
STEPS = [
    ("add_versions", 1),
    ("activate", 1),
    ("renew_page", 1),
    ("renew_page", 2),
    ("renew_page", 6),
    ("outdated_rows", 1),
    ("finish", 1),
]


@pytest.fixture(scope="module")
def own(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with own_vault(engines, tmp_path_factory.mktemp("killed"), "rotation_killed") as house:
        yield house


@pytest.mark.parametrize(("step", "calls"), STEPS, ids=[f"{step}-{calls}" for step, calls in STEPS])
def test_killed_in_the_middle_and_run_again(own: House, step: str, calls: int) -> None:
    workshop = own.wired.workshop
    people = holder_rows(own)
    before = deposited(own, request_of(own, company(0))).certificates[0]
    versions = workshop.keys.index_version
    owning = own.settings.model_copy(update={"database_url": own.settings.owner_database_url})
    died = dying("tests.crash.dying_rotation", step, str(calls), settings=owning)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert_found_everywhere(own, before)
    between = deposited(own, request_of(own, company(0))).certificates[0]
    rotated(own)
    assert workshop.keys.index_version == versions + 1
    assert set(outdated_rows(workshop).values()) == {0}
    assert holder_rows(own) == max(people, 1)
    retire(workshop)
    for certificate in (before, between):
        assert_found_everywhere(own, certificate)
    assert fsck(workshop, progress=lambda _: None).problems == ()
