"""The doctor's examination of the seals: their keys and ends, the grants, time-stamps and renewals."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from api.cli.finding import Finding, Level
from storage.seals import GRANTED_PURPOSES, NATIONAL, NATIONAL_CLOSING, USAGE_COPY, SealRow, all_seals
from vault.custody import seals
from vault.model.custody import GrantState
from vault.model.scope import VAULT
from vault.raising import seal_health
from vault.workshop import Workshop

# A new seal certificate takes an authority weeks to get.
SEAL_ENDS_SOON = timedelta(days=60)
# Two custodians make and approve another in a day, if they know.
GRANT_ENDS_SOON = timedelta(days=30)


def seals_in_custody(workshop: Workshop) -> Iterator[Finding]:
    """Every seal in use opens with its key, every authority has one, and none is about to end."""
    at = datetime.now(UTC)
    wanted = {a.code: a.name for kind in workshop.shelf.types(at).values() for a in kind.authorities}
    with workshop.database.reading(VAULT) as db:
        rows = [row for row in all_seals(db) if row.stopped_at is None]
        for row in rows:
            workshop.seals.opened(db, row.seal_id)  # raises where key and certificate do not belong together
    if not any(row.purpose == USAGE_COPY and row.not_after > at for row in rows):
        sentence = "No seal for usage copies in use: make one with `certvault seal platform`."
        yield Finding("seals", Level.WARN, sentence)
    yield from _national_seals(rows, at)
    newest: dict[str, SealRow] = {row.authority: row for row in rows if row.purpose is None}
    without = [name for code, name in wanted.items() if code not in newest or newest[code].not_after <= at]
    soon = [row.seal_id for row in newest.values() if at < row.not_after <= at + SEAL_ENDS_SOON]
    if not wanted:
        yield Finding(
            "seals", Level.WARN, "No certificate type is in force: run `certvault catalogue apply`."
        )
    if without:
        sentence = f"No seal in use: {'、'.join(without)}. Make one with `certvault seal new`."
        yield Finding("seals", Level.FAIL, sentence)
    if soon:
        yield Finding("seals", Level.WARN, f"These run out within 60 days: {', '.join(soon)}.")
    if wanted and not without and not soon:
        yield Finding("seals", Level.OK, f"{len(rows)} in use, each with its key; every authority has one.")


def _national_seals(rows: Sequence[SealRow], at: datetime) -> Iterator[Finding]:
    """Of those that are not stopped; without any, nobody asked for OFDs."""
    national = [row for row in rows if row.purpose == NATIONAL]
    closing = [row for row in rows if row.purpose == NATIONAL_CLOSING and row.not_after > at]
    soon = [row.seal_id for row in (*national, *closing) if row.not_after <= at + SEAL_ENDS_SOON]
    if national and not closing:
        sentence = "No key in use that closes OFDs: make one with `certvault seal platform --national`."
        yield Finding("national seals", Level.FAIL, sentence)
    if soon:
        yield Finding("national seals", Level.WARN, f"These run out within 60 days: {', '.join(soon)}.")
    if national and closing and not soon:
        yield Finding("national seals", Level.OK, f"{len(national)} in use, each with its key.")


def grants_of_seals(workshop: Workshop) -> Iterator[Finding]:
    """Seals in use are granted, no grant waits for somebody, and none is about to end."""
    at = datetime.now(UTC)
    in_use = [
        shown
        for shown in seals(workshop, at=at)
        if shown.row.purpose in GRANTED_PURPOSES and shown.row.stopped_at is None and shown.row.not_after > at
    ]
    granted = [shown for shown in in_use if any(grant.in_force(at) for grant in shown.grants)]
    waiting = sum(g.state is GrantState.PROPOSED for shown in in_use for g in shown.grants)
    soon = [
        grant
        for shown in granted
        for grant in shown.grants
        if grant.in_force(at) and grant.terms.valid_to <= at + GRANT_ENDS_SOON
    ]
    if in_use and not granted:
        sentence = (
            "Nothing is granted: no deposit is sealed. Two custodians make and approve grants: docs/seals.md."
        )
        yield Finding("seal use", Level.FAIL, sentence)
    if waiting:
        yield Finding("seal use", Level.WARN, f"{waiting} grants wait for another custodian's approval.")
    if soon:
        yield Finding("seal use", Level.WARN, f"{len(soon)} grants run out within 30 days.")
    if granted and not waiting and not soon:
        yield Finding("seal use", Level.OK, f"{len(granted)} of {len(in_use)} seals in use have grants.")


def time_stamps(workshop: Workshop) -> Finding:
    """Whether seals get a trusted time."""
    roots = len(workshop.trust_roots)
    if workshop.tsa is None:
        sentence = "No time-stamp authority: seals are PAdES B-B. Set CERTVAULT_TSA_URL for B-T."
        return Finding("time-stamps", Level.WARN, sentence)
    return Finding("time-stamps", Level.OK, f"A time-stamp authority is set; {roots} trusted roots.")


def renewals_of_seals(workshop: Workshop) -> Iterator[Finding]:
    """Seals are raised and renewed in time."""
    health = seal_health(workshop, at=datetime.now(UTC))
    if health.over_budget:
        sentence = (
            f"{health.untimed.count} seals wait for a time-stamp since {health.untimed.since:%Y-%m-%d} UTC, "
            "which is over the outage budget: see docs/long-term.md."
        )
        yield Finding("renewals", Level.FAIL, sentence)
    if health.given_up:
        sentence = f"{health.given_up} seals could not be raised: `certvault renewals` says why."
        yield Finding("renewals", Level.FAIL, sentence)
    if health.late:
        sentence = f"{health.late} seals should have been raised by now: is a worker running?"
        yield Finding("renewals", Level.WARN, sentence)
    if not (health.over_budget or health.given_up or health.late):
        target = workshop.long_term.target
        what = "are raised no further" if target is None else f"are raised to {target.value}; none is late"
        yield Finding("renewals", Level.OK, f"Seals {what}.")
