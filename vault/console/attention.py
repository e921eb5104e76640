"""What is wrong, the worst first: judged from what the panels have read, without asking anything more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from storage.operation_runs import RunKind, RunOutcome, RunsOfKind
from vault.console.cases import CasesPanel
from vault.console.clients import ClientsPanel
from vault.console.deposits import DepositsPanel
from vault.console.seals import SealLine, SealsPanel
from vault.console.transparency import LogPanel
from vault.console.upkeep import BROKEN_OFF_AFTER, UpkeepPanel
from vault.model.custody import GrantState

# A deposit takes a second; who was cut off tries again within minutes.
CASE_OPEN_FOR = timedelta(hours=1)
# The lanes look every five seconds; a store that is away for an hour costs this much, too.
QUEUE_LATE_AFTER = timedelta(minutes=10)
# Once a night, and one night may fail before somebody is told; keys change with a rotation.
BACKUP_OLD_AFTER: Mapping[RunKind, timedelta] = {
    RunKind.BACKUP_DATABASE: timedelta(hours=26),
    RunKind.BACKUP_OBJECTS: timedelta(hours=26),
    RunKind.BACKUP_KEYS: timedelta(days=92),
}
# Everything is read again once a week.
FSCK_OLD_AFTER = timedelta(days=8)
# A new seal certificate takes an authority weeks to get; the doctor says the same.
SEAL_ENDS_SOON = timedelta(days=60)
GRANT_ENDS_SOON = timedelta(days=30)
# A client's operator needs days to take up another secret.
CREDENTIALS_END_SOON = timedelta(days=14)
CAP_NEAR = 0.8
# Witnesses sign within minutes; a day without one is an outage on one side.
WITNESS_SILENT_AFTER = timedelta(days=1)
# What of a refused deposit is ours to mend, at once.
OURS = frozenset({"internal", "integrity", "unavailable", "seal-cap-reached", "seal-not-granted"})
_MENDED_BY = {
    "integrity": "certvault fsck",
    "seal-cap-reached": "certvault seal grants",
    "seal-not-granted": "certvault seal grants",
}


class Weight(IntEnum):
    """How soon somebody has to do something."""

    SOON = 1
    NOW = 2


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing that is wrong. `kind`: by which the page words it; `command`: what to run next, to copy.

    `place`: the part of the console that has the rest.
    """

    kind: str
    weight: Weight
    place: str
    values: Mapping[str, object] = field(default_factory=dict)
    command: str | None = None


def attention(
    deposits: DepositsPanel,
    cases: CasesPanel,
    seals: SealsPanel,
    log: LogPanel,
    upkeep: UpkeepPanel,
    clients: ClientsPanel,
    *,
    at: datetime,
) -> tuple[Attention, ...]:
    """Everything that somebody has to look at; what cannot wait first."""
    found = [
        *_deposits(deposits, at),
        *_log(log, at),
        *_seals(seals, at),
        *_renewals(seals),
        *_upkeep(upkeep, at),
        *_cases(cases, at),
        *_clients(clients, at),
    ]
    return tuple(sorted(found, key=lambda each: -each.weight))


def _deposits(panel: DepositsPanel, at: datetime) -> Iterator[Attention]:
    queue = panel.queue
    if queue.workers == 0:
        yield Attention("no-worker", Weight.NOW, "deposits", {"heard_at": queue.heard_at}, "certvault worker")
    late = [each.due_since for each in queue.queues if each.due_since is not None]
    if queue.workers and late and at - min(late) > QUEUE_LATE_AFTER:
        yield Attention("queue-late", Weight.NOW, "deposits", {"since": min(late)}, "certvault doctor")
    for given_up in queue.given_up:
        if not given_up.lately:
            continue
        values = {"task": given_up.task, "count": given_up.lately}
        yield Attention("job-given-up", Weight.SOON, "deposits", values, "certvault fsck")
    for refused in panel.refused_lately:
        ours = refused.outcome in OURS
        values = {"client": refused.client_id, "count": refused.count, "outcome": refused.outcome}
        command = _MENDED_BY.get(refused.outcome, "certvault doctor" if ours else None)
        command = command or f"certvault client show {refused.client_id}"
        kind = "refused-by-us" if ours else "refused"
        yield Attention(kind, Weight.NOW if ours else Weight.SOON, "deposits", values, command)


def _log(panel: LogPanel, at: datetime) -> Iterator[Attention]:
    health = panel.health
    if health is None:
        yield Attention("store-away", Weight.NOW, "log", {}, "certvault doctor")
    elif health.incident is not None:
        yield Attention("log-stopped", Weight.NOW, "log", {"why": health.incident}, "certvault doctor")
    elif health.overdue > timedelta(0):
        values = {"waiting": health.waiting, "since": at - health.overdue}
        yield Attention("log-overdue", Weight.NOW, "log", values, "certvault log sequence")
    for witness in panel.witnesses:
        if witness.unsigned_since is not None and at - witness.unsigned_since > WITNESS_SILENT_AFTER:
            values = {"name": witness.name, "signed_at": witness.signed_at}
            yield Attention("witness-silent", Weight.SOON, "log", values)


def _seals(panel: SealsPanel, at: datetime) -> Iterator[Attention]:
    for seal in panel.seals:
        known = {"seal": seal.seal_id, "name": seal.authority_name}
        if seal.state == "expired":
            yield Attention(
                "seal-expired",
                Weight.NOW,
                "seals",
                {**known, "on": seal.not_after},
                f"certvault seal new {seal.authority}",
            )
        if seal.state != "in_use":
            continue
        if seal.not_after <= at + SEAL_ENDS_SOON:
            yield Attention("seal-ends", Weight.SOON, "seals", {**known, "on": seal.not_after})
        yield from _grants(seal, known, at)
    needing = [seal for seal in panel.seals if seal.granted and seal.state == "in_use"]
    if needing and not any(grant.used is not None for seal in needing for grant in seal.grants):
        yield Attention("nothing-granted", Weight.NOW, "seals", {}, "certvault seal grants")


def _grants(seal: SealLine, known: Mapping[str, object], at: datetime) -> Iterator[Attention]:
    for grant in seal.grants:
        values = {**known, "client": grant.client_id, "cap": grant.daily_cap, "used": grant.used}
        if grant.state is GrantState.PROPOSED:
            yield Attention("grant-waits", Weight.SOON, "seals", values)
        elif grant.used is not None and grant.used >= grant.daily_cap:
            yield Attention("cap-reached", Weight.NOW, "seals", values)
        elif grant.used is not None and grant.used >= CAP_NEAR * grant.daily_cap:
            yield Attention("cap-near", Weight.SOON, "seals", values)
        if grant.used is not None and grant.valid_to <= at + GRANT_ENDS_SOON:
            yield Attention("grant-ends", Weight.SOON, "seals", {**values, "on": grant.valid_to})


def _renewals(panel: SealsPanel) -> Iterator[Attention]:
    health = panel.health
    if health is None:
        return
    if health.over_budget:
        values = {"count": health.untimed.count, "since": health.untimed.since}
        yield Attention("untimed", Weight.NOW, "seals", values, "certvault renewals")
    if health.given_up:
        values = {"count": health.given_up}
        yield Attention("raise-given-up", Weight.SOON, "seals", values, "certvault renewals retry")
    if health.late:
        yield Attention("raise-late", Weight.SOON, "seals", {"count": health.late}, "certvault renewals")


def _upkeep(panel: UpkeepPanel, at: datetime) -> Iterator[Attention]:
    for each in panel.runs:
        yield from _fsck(each, at) if each.kind is RunKind.FSCK else _backup(each, at)


def _fsck(runs: RunsOfKind, at: datetime) -> Iterator[Attention]:
    """What the newest check found that came to its end stands until another has come to its own."""
    newest, ended, well, command = runs.newest, runs.newest_ended, runs.newest_well, "certvault fsck"
    if newest is None:
        yield Attention("fsck-never", Weight.SOON, "upkeep", {}, command)
        return
    if ended is not None and ended.outcome is RunOutcome.PROBLEMS:
        values = {"count": ended.problems, "at": ended.finished_at}
        yield Attention("fsck-problems", Weight.NOW, "upkeep", values, command)
    elif well is not None and at - well.started_at > FSCK_OLD_AFTER:
        yield Attention("fsck-old", Weight.SOON, "upkeep", {"at": well.started_at}, command)
    if newest.outcome is RunOutcome.FAILED or (
        newest.outcome is None and at - newest.seen_at > BROKEN_OFF_AFTER
    ):
        yield Attention("fsck-broken-off", Weight.SOON, "upkeep", {"at": newest.seen_at}, command)


def _backup(runs: RunsOfKind, at: datetime) -> Iterator[Attention]:
    newest, well = runs.newest, runs.newest_well
    part = runs.kind.value.removeprefix("backup-")
    command = f"certvault backup-noted {part}"
    if newest is None:
        yield Attention("backup-never", Weight.SOON, "upkeep", {"part": part}, command)
    elif newest.outcome is RunOutcome.FAILED:
        values = {"part": part, "at": newest.finished_at, "well": None if well is None else well.finished_at}
        yield Attention("backup-failed", Weight.NOW, "upkeep", values)
    elif (
        well is not None
        and well.finished_at is not None
        and at - well.finished_at > BACKUP_OLD_AFTER[runs.kind]
    ):
        yield Attention("backup-old", Weight.NOW, "upkeep", {"part": part, "at": well.finished_at})


def _cases(panel: CasesPanel, at: datetime) -> Iterator[Attention]:
    old = [each for each in panel.oldest if at - each.reserved_at > CASE_OPEN_FOR]
    if old:
        values = {"count": len(old), "since": old[0].reserved_at, "all": len(old) == len(panel.oldest)}
        yield Attention("cases-open", Weight.SOON, "cases", values, "certvault reconcile")


def _clients(panel: ClientsPanel, at: datetime) -> Iterator[Attention]:
    for client in panel.clients:
        if client.disabled_at is not None:
            continue
        values = {"client": client.client_id, "on": client.ends_at}
        rotate = f"certvault client rotate {client.client_id}"
        if not client.way_in:
            yield Attention("client-shut-out", Weight.SOON, "clients", values, rotate)
        elif client.ends_at is not None and client.ends_at <= at + CREDENTIALS_END_SOON:
            yield Attention("client-ends", Weight.SOON, "clients", values, rotate)
    dead = sum(each.dead for each in panel.webhooks)
    if dead:
        yield Attention("letters-dead", Weight.SOON, "clients", {"count": dead}, "certvault webhook failed")
