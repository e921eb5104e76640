"""Seals with their caps, ends and grants, as far as somebody may see them; and renewals that are due."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.seal_terms import Failure, failures, overdue
from storage.seals import GRANTED_PURPOSES
from vault.custody import seals_for
from vault.custody.showing import SealShown
from vault.model.access import Action, refusal
from vault.model.actors import Person
from vault.model.custody import GrantState
from vault.model.scope import VAULT
from vault.raising import SealHealth, seal_health
from vault.workshop import Workshop

# Counting more of what is due tells an operator nothing.
DUE_COUNTED_MAX = 10_000
DUE_WITHIN = (timedelta(days=7), timedelta(days=30), timedelta(days=90))


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A grant that is not ended. `used`: today; None where it is not in force."""

    grant_id: str
    client_id: str
    type_code: str
    state: GrantState
    valid_to: datetime
    daily_cap: int
    used: int | None


@dataclass(frozen=True, slots=True)
class SealLine:
    """A seal. `state`: `in_use`, `stopped` or `expired`; `granted`: whether it is one that needs grants."""

    seal_id: str
    authority: str
    authority_name: str
    purpose: str | None
    algorithm: str
    state: str
    not_after: datetime
    stopped_at: datetime | None
    granted: bool
    daily_cap: int
    used_today: int
    grants: tuple[GrantLine, ...]


@dataclass(frozen=True, slots=True)
class SealsPanel:
    """`health` and what is due are the whole vault's: None for a custodian, who keeps single seals."""

    seals: tuple[SealLine, ...]
    health: SealHealth | None
    due: tuple[tuple[timedelta, int], ...]
    failures: tuple[Failure, ...]
    raises: bool


def seals_panel(workshop: Workshop, person: Person, *, at: datetime) -> SealsPanel:
    """The seals that this person may see: four statements, and some for the renewals.

    Raises:
        NotPermitted: they may see none.
        Unavailable: the database does not answer.
    """
    found = (_line(shown, at) for shown in seals_for(workshop, person, at=at))
    lines = tuple(sorted(found, key=_calm))
    raises = workshop.long_term.target is not None
    if refusal(person, Action.SEE_OPERATIONS) is not None:
        return SealsPanel(lines, None, (), (), raises)
    health = seal_health(workshop, at=at)
    with workshop.database.reading(VAULT) as db:
        due = tuple((within, overdue(db, at + within, DUE_COUNTED_MAX)) for within in DUE_WITHIN)
        failed = failures(db, DUE_COUNTED_MAX)
    return SealsPanel(lines, health, due, failed, raises)


def _calm(seal: SealLine) -> tuple[bool, bool, float]:
    """What has to be looked at comes first: seals that have ended, then those that are near their caps."""
    used = seal.used_today / seal.daily_cap if seal.daily_cap else 0.0
    return seal.state != "expired", seal.state == "stopped", -used


def _line(shown: SealShown, at: datetime) -> SealLine:
    row = shown.row
    in_force = [grant for grant in shown.grants if grant.in_force(at)]
    return SealLine(
        row.seal_id,
        row.authority,
        row.authority_name,
        row.purpose,
        row.algorithm,
        "stopped" if row.stopped_at is not None else "expired" if row.not_after <= at else "in_use",
        row.not_after,
        row.stopped_at,
        row.purpose in GRANTED_PURPOSES,
        sum(grant.terms.daily_cap for grant in in_force),
        sum(shown.used.get(grant.grant_id, 0) for grant in in_force),
        tuple(
            GrantLine(
                str(grant.grant_id),
                grant.terms.client_id,
                grant.terms.type_code,
                grant.state,
                grant.terms.valid_to,
                grant.terms.daily_cap,
                shown.used.get(grant.grant_id, 0) if grant.in_force(at) else None,
            )
            for grant in shown.grants
            if grant.state is not GrantState.ENDED
        ),
    )
