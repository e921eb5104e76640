"""What custodians, operators and auditors see: seals with their state and use, and grants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.grants import grants_of_seals
from storage.seal_uses import used_on
from storage.seals import SealEvent, SealRow, all_seals, latest_seal_events
from vault.log import moment
from vault.model.access import Action, Kind, Resource, authorize, permitted
from vault.model.actors import Person
from vault.model.custody import Deed, Grant, GrantState
from vault.model.legal_time import legal_day
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class SealShown:
    """A seal, the newest thing done to it, its grants, and what each has used today."""

    row: SealRow
    latest: SealEvent | None
    grants: tuple[Grant, ...]
    used: dict[UUID, int]


def seals(workshop: Workshop, *, at: datetime) -> tuple[SealShown, ...]:
    """Every seal, stopped ones too; in four statements, however many there are.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.snapshot() as db:
        rows = all_seals(db)
        ids = [row.seal_id for row in rows]
        latest = latest_seal_events(db, ids)
        grants = grants_of_seals(db, ids)
        used = used_on(db, [g.grant_id for g in grants if g.in_force(at)], legal_day(at))
    by_seal: dict[str, list[Grant]] = {}
    for grant in grants:
        by_seal.setdefault(grant.terms.seal_id, []).append(grant)
    return tuple(
        SealShown(row, latest.get(row.seal_id), tuple(by_seal.get(row.seal_id, ())), used) for row in rows
    )


def seals_for(workshop: Workshop, person: Person, *, at: datetime) -> tuple[SealShown, ...]:
    """The seals that this person may see: a custodian those that they keep, operators and auditors all.

    Raises:
        NotPermitted: they may see none.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_SEALS)
    return permitted(person, Action.SEE_SEAL, seals(workshop, at=at), _resource)


def _resource(shown: SealShown) -> Resource:
    return Resource(Kind.SEAL, shown.row.authority)


def seal_json(shown: SealShown, at: datetime) -> dict[str, Any]:
    """A seal as lists show it. `state`: `in_use`, `stopped` or `expired`."""
    row = shown.row
    in_force = [grant for grant in shown.grants if grant.in_force(at)]
    state = "stopped" if row.stopped_at is not None else "expired" if row.not_after <= at else "in_use"
    return {
        "seal_id": row.seal_id,
        "authority": row.authority,
        "authority_name": row.authority_name,
        "purpose": row.purpose,
        "algorithm": row.algorithm,
        "state": state,
        "not_after": moment(row.not_after),
        "created_at": moment(row.created_at),
        "stopped_at": None if row.stopped_at is None else moment(row.stopped_at),
        "latest": None
        if shown.latest is None
        else {"act": shown.latest.act.value, **_deed_json(shown.latest.deed)},
        "grants_in_force": len(in_force),
        "daily_cap": sum(grant.terms.daily_cap for grant in in_force),
        "used_today": sum(shown.used.get(grant.grant_id, 0) for grant in in_force),
    }


def grant_json(grant: Grant, used_today: int | None = None) -> dict[str, Any]:
    """A grant as lists show it; `used_today` null where it is not in force."""
    terms = grant.terms
    return {
        "grant_id": str(grant.grant_id),
        "seal_id": terms.seal_id,
        "type": terms.type_code,
        "type_version": terms.type_version,
        "client_id": terms.client_id,
        "daily_cap": terms.daily_cap,
        "valid_from": moment(terms.valid_from),
        "valid_to": moment(terms.valid_to),
        "state": grant.state.value,
        "used_today": used_today,
        "made": _deed_json(grant.made),
        "approved": None if grant.approved is None else _deed_json(grant.approved),
        "ended": None if grant.ended is None else _deed_json(grant.ended),
    }


def grants_json(shown: tuple[SealShown, ...], at: datetime, *, with_ended: bool) -> list[dict[str, Any]]:
    """Every grant of these seals; those that are ended only where asked for."""
    return [
        grant_json(grant, seal.used.get(grant.grant_id, 0) if grant.in_force(at) else None)
        for seal in shown
        for grant in seal.grants
        if with_ended or grant.state is not GrantState.ENDED
    ]


def _deed_json(deed: Deed) -> dict[str, Any]:
    return {"actor": deed.actor, "via": deed.via, "at": moment(deed.at), "reason": deed.reason}
