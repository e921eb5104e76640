"""The sheet on a desk: read, and written whole under its row's lock.

It is the clerk's own (row security by person), and of one day in China: a case that is still open tomorrow is
in the approval system's own list. Signing out and in again does not lose it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from storage.db import WriteConnection
from storage.desks import find_desk, forget_desks, keep_desk, lock_desk
from vault.desk.reading import Slip, Slips
from vault.model.access import Action, Kind, authorize, not_there
from vault.model.actors import Person
from vault.model.desk import CASES_MAX, DeskCase, Sheet, Turn, sheet_json, sheet_of
from vault.model.legal_time import day_ends, legal_day
from vault.model.scope import VAULT, of_person
from vault.workshop import Workshop

_EMPTY = sheet_json(Sheet())


def sheet_at(workshop: Workshop, person: Person, *, at: datetime) -> Sheet:
    """What lies on this clerk's desk today.

    Raises:
        NotPermitted: they are no clerk of an organisation.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.WORK_AT_DESK)
    with workshop.database.reading(of_person(person)) as db:
        content = find_desk(db, workshop.keys, person.person_id, at)
    return Sheet() if content is None else sheet_of(content)


def case_at(workshop: Workshop, person: Person, place: UUID, *, at: datetime) -> DeskCase:
    """The case at a place of this clerk's sheet.

    Raises:
        NotPermitted: they are no clerk of an organisation.
        NotFound: nothing lies there, today.
        Unavailable: the database does not answer.
    """
    found = sheet_at(workshop, person, at=at).case(place)
    if found is None:
        raise not_there(Kind.CASE)
    return found


def take_in(workshop: Workshop, person: Person, numbers: Sequence[str], *, at: datetime) -> Sheet:
    """Puts cases on the sheet by their numbers, each once.

    Raises:
        Slips: there would be too many.
        NotPermitted: they are no clerk of an organisation.
        Unavailable: the database does not answer.
    """
    places = [uuid4() for _ in numbers]
    return _changed(workshop, person, lambda sheet: _counted(sheet.with_numbers(numbers, places)), at=at)


def take_to_hand(workshop: Workshop, person: Person, case: DeskCase, *, at: datetime) -> Sheet:
    """Puts a case on the sheet as it was filled in, and to hand. Its number is there once.

    What was used for it stays where the number stays: another number at the same place is another case.

    Raises:
        Slips: there would be too many.
        NotPermitted: they are no clerk of an organisation.
        Unavailable: the database does not answer.
    """

    def put(sheet: Sheet) -> Sheet:
        known = sheet.numbered(case.number)
        if known is not None:
            return sheet.put(replace(case, place=known.place, uses=known.uses))
        before = sheet.case(case.place)
        place = uuid4() if before is not None and before.is_asked else case.place
        return _counted(sheet.put(replace(case, place=place, uses=())))

    return _changed(workshop, person, put, at=at)


def turn(workshop: Workshop, person: Person, what: Turn, place: UUID | None, *, at: datetime) -> Sheet:
    """Takes a case to hand, or puts it away; nothing where it is gone already.

    Raises:
        NotPermitted: they are no clerk of an organisation.
        Unavailable: the database does not answer.
    """
    return _changed(workshop, person, lambda sheet: sheet.turned(what, place), at=at)


def note_use(workshop: Workshop, person: Person, place: UUID, use_id: UUID, *, at: datetime) -> None:
    """Notes at a case what was used for it; nothing where the case is gone.

    Raises:
        NotPermitted: they are no clerk of an organisation.
        Unavailable: the database does not answer.
    """

    def noted(sheet: Sheet) -> Sheet:
        case = sheet.case(place)
        if case is None or use_id in case.uses:
            return sheet
        marked = replace(case, uses=(*case.uses, use_id))
        return replace(sheet, cases=tuple(marked if each is case else each for each in sheet.cases))

    _changed(workshop, person, noted, at=at)


def forget_yesterday(workshop: Workshop, *, at: datetime) -> int:
    """Deletes the sheets whose day is over; how many.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(VAULT) as db:
        return forget_desks(db, at)


def _changed(workshop: Workshop, person: Person, change: Callable[[Sheet], Sheet], *, at: datetime) -> Sheet:
    authorize(person, Action.WORK_AT_DESK)
    with workshop.database.writing(of_person(person)) as db:
        return _written(db, workshop, person, change, at)


def _written(
    db: WriteConnection, workshop: Workshop, person: Person, change: Callable[[Sheet], Sheet], at: datetime
) -> Sheet:
    ends_at = day_ends(legal_day(at))
    before = sheet_of(lock_desk(db, workshop.keys, person.person_id, _EMPTY, at, ends_at))
    after = change(before)
    if after != before:
        keep_desk(db, workshop.keys, person.person_id, sheet_json(after))
    return after


def _counted(sheet: Sheet) -> Sheet:
    if len(sheet.cases) > CASES_MAX:
        raise Slips(Slip("numbers", "too_many", {"max": CASES_MAX, "got": len(sheet.cases)}))
    return sheet
