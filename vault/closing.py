"""May the case close? What approval systems completed, held against what the vault has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.clients import find_client
from storage.db import ReadConnection
from storage.inspection import (
    PAGE_ROWS,
    CaseState,
    OpenReservation,
    case_states,
    items_since,
    open_reservations,
)
from vault.errors import InputError
from vault.model.access import Action, Kind, Resource, authorize
from vault.model.actors import ClientGrant
from vault.model.ids import first_uuid7
from vault.model.written import case_number_form
from vault.workshop import Workshop

# A case of which the vault has never heard is the very one that must not close: an answer, not a 404.
NO_DEPOSIT = "no deposit received"
# A month of cases: a mistyped item shows up, and what was mended long ago does not.
ITEMS_LOOKED_BACK = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class AbsentCase:
    """A case that its approval system completed and whose certificates the vault does not have."""

    case_number: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnlistedItem:
    """A service item that the catalogue does not have, and how many cases came under its code."""

    code: str
    cases: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What does not match: cases reserved and never committed, and completed cases without certificates."""

    reserved: tuple[OpenReservation, ...]
    absent: tuple[AbsentCase, ...]


def missing_of_case(workshop: Workshop, client: ClientGrant, number: str) -> tuple[str, ...]:
    """What the vault still lacks before this client's case may close, in words; empty where nothing.

    Raises:
        Unavailable: the database does not answer.
    """
    authorize(client, Action.ASK_CLOSING, Resource(Kind.CASE, by=client.actor))
    with workshop.database.reading() as db:
        return _missing(db, client.client_id, [case_number_form(number)])[0]


def reconcile(workshop: Workshop, client_id: str | None, completed: Sequence[str]) -> Reconciliation:
    """Open reservations, of one client or of all; and which of a client's `completed` cases may not close.

    Raises:
        InputError: there is no such client.
        Unavailable: the database does not answer.
    """
    numbers = list(dict.fromkeys(number for line in completed if (number := case_number_form(line))))
    absent: list[AbsentCase] = []
    with workshop.database.reading() as db:
        if client_id is not None:
            if find_client(db, client_id) is None:
                raise InputError("There is no client with this id, or it is disabled.")
            for start in range(0, len(numbers), PAGE_ROWS):
                page = numbers[start : start + PAGE_ROWS]
                found = zip(page, _missing(db, client_id, page), strict=True)
                absent += [AbsentCase(number, missing) for number, missing in found if missing]
        return Reconciliation(open_reservations(db, client_id), tuple(absent))


def unlisted_items(workshop: Workshop, *, at: datetime) -> tuple[UnlistedItem, ...]:
    """Service items that cases of the past month were deposited under and that the catalogue does not have.

    Raises:
        Unavailable: the database does not answer.
    """
    listed = workshop.shelf.items(at)
    with workshop.database.reading() as db:
        found = items_since(db, first_uuid7(at - ITEMS_LOOKED_BACK))
    return tuple(UnlistedItem(code, count) for code, count in sorted(found.items()) if code not in listed)


def _missing(db: ReadConnection, client_id: str, numbers: Sequence[str]) -> list[tuple[str, ...]]:
    states = case_states(db, client_id, numbers)
    return [_words(states.get(number)) for number in numbers]


def _words(state: CaseState | None) -> tuple[str, ...]:
    match state:
        case None:
            return (NO_DEPOSIT,)
        case CaseState(committed=True, missing=missing):
            return tuple(f"certificate {identifier} is lost" for identifier in missing)
        case CaseState(missing=()):
            return ("the deposit was begun and not completed: send it again",)
        case CaseState(missing=missing):
            return tuple(f"certificate {identifier} is reserved, not issued yet" for identifier in missing)
