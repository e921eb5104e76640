"""What is judged wrong: each trouble is told, the worst first, and a vault in order tells none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.deposit_tallies import Refusals
from storage.operation_runs import Run, RunKind, RunOutcome, RunsOfKind
from storage.queue_state import GivenUp, QueueCount, QueueState
from vault.console import (
    Attention,
    CasesPanel,
    ClientLine,
    ClientsPanel,
    DepositsPanel,
    LogPanel,
    OpenCase,
    SealLine,
    SealsPanel,
    UpkeepPanel,
    WebhookLine,
    Weight,
    WitnessLine,
    attention,
)
from vault.console.seals import GrantLine
from vault.model.custody import GrantState
from vault.model.ids import uuid7
from vault.transparency.health import LogHealth

AT = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def run(kind: RunKind, outcome: RunOutcome | None, ago: timedelta) -> Run:
    ended = None if outcome is None else AT - ago
    return Run(uuid7(AT), kind, AT - ago, AT - ago, ended, outcome, problems=3)


def runs(kind: RunKind, newest: Run | None, well: Run | None = None, ended: Run | None = None) -> RunsOfKind:
    outcome = None if newest is None else newest.outcome
    return RunsOfKind(
        kind,
        newest,
        newest if outcome is RunOutcome.WELL else well,
        newest if outcome in {RunOutcome.WELL, RunOutcome.PROBLEMS} else ended or well,
    )


GRANT = GrantLine("g", "suite", "t", GrantState.APPROVED, AT + 90 * DAY, 100, 10)
SEAL = SealLine(
    "s",
    "a",
    "样例市水务局",
    None,
    "x",
    "in_use",
    AT + 900 * DAY,
    None,
    granted=True,
    daily_cap=100,
    used_today=10,
    grants=(GRANT,),
)
CLIENT = ClientLine("suite", "Suite", 1, AT, None, AT, 1, 0, None)
QUEUE = QueueState((QueueCount("scrub", 3, 1, AT - timedelta(minutes=1), 0, 0),), (), 4, AT, 10_000)
DEPOSITS = DepositsPanel((), (), (), (), (), QUEUE)
CASES = CasesPanel((), 0)
SEALS = SealsPanel((SEAL,), None, (), (), raises=True)
LOG = LogPanel(
    LogHealth(5, 0, timedelta(0), None),
    "o",
    5,
    "r",
    AT - HOUR,
    (WitnessLine("w", asked=True, size=5, signed_at=AT, unsigned_since=None),),
)
UPKEEP = UpkeepPanel(tuple(runs(kind, run(kind, RunOutcome.WELL, HOUR)) for kind in RunKind), ())
CLIENTS = ClientsPanel((CLIENT,), (), ())
PANELS = (DEPOSITS, CASES, SEALS, LOG, UPKEEP, CLIENTS)


def judged(*changed: object) -> tuple[Attention, ...]:
    """What is said where these panels stand in the place of the sound ones."""
    found = [next((c for c in changed if type(c) is type(panel)), panel) for panel in PANELS]
    return attention(*found, at=AT)  # type: ignore[arg-type]  # each is of the kind of the one it replaces


def upkeep(
    kind: RunKind, newest: Run | None, well: Run | None = None, ended: Run | None = None
) -> UpkeepPanel:
    changed = runs(kind, newest, well, ended)
    return UpkeepPanel(tuple(changed if each.kind is kind else each for each in UPKEEP.runs), ())


def sealed(**changes: object) -> SealsPanel:
    return replace(SEALS, seals=(replace(SEAL, **changes),))  # type: ignore[arg-type]  # each case names its fields


def granted(**changes: object) -> SealsPanel:
    return sealed(grants=(replace(GRANT, **changes),))  # type: ignore[arg-type]  # as above


def queued(**changes: object) -> DepositsPanel:
    return replace(DEPOSITS, queue=replace(QUEUE, **changes))  # type: ignore[arg-type]  # as above


def witnessed(signed_at: datetime | None, *, unsigned_since: datetime | None) -> LogPanel:
    """The newest tree head is a minute old, as it is wherever anything is deposited."""
    size = 0 if signed_at is None else 4
    line = WitnessLine("w", asked=True, size=size, signed_at=signed_at, unsigned_since=unsigned_since)
    return replace(LOG, made_at=AT - timedelta(minutes=1), witnesses=(line,))


def refused(outcome: str) -> DepositsPanel:
    return replace(DEPOSITS, refused_lately=(Refusals("suite", outcome, 2, AT),))


def test_a_vault_in_order_needs_nobody() -> None:
    assert judged() == ()


DATABASE, FSCK = RunKind.BACKUP_DATABASE, RunKind.FSCK
WRONG = [
    (queued(workers=0), "no-worker", Weight.NOW),
    (queued(queues=(replace(QUEUE.queues[0], due_since=AT - HOUR),)), "queue-late", Weight.NOW),
    (queued(given_up=(GivenUp("second_look", 2, 1, AT),)), "job-given-up", Weight.SOON),
    (refused("unavailable"), "refused-by-us", Weight.NOW),
    (refused("invalid-input"), "refused", Weight.SOON),
    (replace(LOG, health=None), "store-away", Weight.NOW),
    (replace(LOG, health=LogHealth(5, 1, timedelta(0), "It would fork.")), "log-stopped", Weight.NOW),
    (replace(LOG, health=LogHealth(5, 1, HOUR, None)), "log-overdue", Weight.NOW),
    (witnessed(None, unsigned_since=AT - 2 * DAY), "witness-silent", Weight.SOON),
    (witnessed(AT - 2 * DAY, unsigned_since=AT - 25 * HOUR), "witness-silent", Weight.SOON),
    (sealed(state="expired"), "seal-expired", Weight.NOW),
    (sealed(not_after=AT + 59 * DAY), "seal-ends", Weight.SOON),
    (granted(used=100), "cap-reached", Weight.NOW),
    (granted(used=80), "cap-near", Weight.SOON),
    (granted(valid_to=AT + 29 * DAY), "grant-ends", Weight.SOON),
    (granted(state=GrantState.PROPOSED, used=None), "grant-waits", Weight.SOON),
    (sealed(grants=()), "nothing-granted", Weight.NOW),
    (upkeep(RunKind.FSCK, None), "fsck-never", Weight.SOON),
    (upkeep(RunKind.FSCK, run(RunKind.FSCK, RunOutcome.PROBLEMS, HOUR)), "fsck-problems", Weight.NOW),
    (upkeep(RunKind.FSCK, run(RunKind.FSCK, RunOutcome.FAILED, HOUR)), "fsck-broken-off", Weight.SOON),
    (upkeep(RunKind.FSCK, run(RunKind.FSCK, None, HOUR)), "fsck-broken-off", Weight.SOON),
    (upkeep(RunKind.FSCK, run(RunKind.FSCK, RunOutcome.WELL, 9 * DAY)), "fsck-old", Weight.SOON),
    (
        upkeep(FSCK, run(FSCK, None, MINUTE), ended=run(FSCK, RunOutcome.PROBLEMS, HOUR)),
        "fsck-problems",
        Weight.NOW,
    ),
    (
        upkeep(FSCK, run(FSCK, RunOutcome.FAILED, MINUTE), ended=run(FSCK, RunOutcome.PROBLEMS, HOUR)),
        "fsck-problems",
        Weight.NOW,
    ),
    (
        upkeep(FSCK, run(FSCK, None, MINUTE), run(FSCK, RunOutcome.WELL, 9 * DAY)),
        "fsck-old",
        Weight.SOON,
    ),
    (upkeep(DATABASE, None), "backup-never", Weight.SOON),
    (upkeep(DATABASE, run(DATABASE, RunOutcome.FAILED, HOUR)), "backup-failed", Weight.NOW),
    (upkeep(DATABASE, run(DATABASE, RunOutcome.WELL, 27 * HOUR)), "backup-old", Weight.NOW),
    (CasesPanel((OpenCase("••••0118", "suite", AT - 2 * HOUR),), 1), "cases-open", Weight.SOON),
    (ClientsPanel((replace(CLIENT, secrets=0),), (), ()), "client-shut-out", Weight.SOON),
    (ClientsPanel((replace(CLIENT, ends_at=AT + 13 * DAY),), (), ()), "client-ends", Weight.SOON),
    (
        ClientsPanel((CLIENT,), (WebhookLine(uuid7(AT), "suite", 0, 2, None),), ()),
        "letters-dead",
        Weight.SOON,
    ),
]


@pytest.mark.parametrize(("panel", "kind", "weight"), WRONG, ids=[kind for _, kind, _ in WRONG])
def test_each_trouble_is_told(panel: object, kind: str, weight: Weight) -> None:
    found = judged(panel)
    assert (kind, weight) in {(each.kind, each.weight) for each in found}


SOUND = [
    witnessed(None, unsigned_since=AT - HOUR),
    witnessed(AT - 9 * DAY, unsigned_since=AT - 23 * HOUR),
    upkeep(FSCK, run(FSCK, None, MINUTE), run(FSCK, RunOutcome.WELL, DAY)),
    queued(given_up=(GivenUp("second_look", 2, 0, AT - 8 * DAY),)),
    queued(queues=(replace(QUEUE.queues[0], due_since=AT - timedelta(minutes=9)),)),
    sealed(state="stopped", not_after=AT - DAY, granted=False),
    sealed(not_after=AT + 61 * DAY),
    granted(used=79),
    upkeep(RunKind.FSCK, run(RunKind.FSCK, None, timedelta(minutes=1))),
    upkeep(DATABASE, run(DATABASE, RunOutcome.WELL, 25 * HOUR)),
    CasesPanel((OpenCase("••••0118", "suite", AT - timedelta(minutes=5)),), 1),
    ClientsPanel((replace(CLIENT, secrets=0, disabled_at=AT),), (), ()),
]


@pytest.mark.parametrize("panel", SOUND)
def test_what_is_as_it_should_be_is_left_alone(panel: object) -> None:
    assert judged(panel) == ()


def test_a_check_that_found_nothing_ends_the_alarm_of_the_one_before() -> None:
    found = judged(
        upkeep(FSCK, run(FSCK, RunOutcome.WELL, MINUTE), ended=run(FSCK, RunOutcome.PROBLEMS, HOUR))
    )
    assert found == ()


def test_what_cannot_wait_stands_first() -> None:
    found = judged(refused("invalid-input"), upkeep(DATABASE, run(DATABASE, RunOutcome.FAILED, HOUR)))
    assert [each.kind for each in found] == ["backup-failed", "refused"]
