"""The sheet on a clerk's desk: the cases of today, the one at hand, and what was done with each.

Values alone: nothing here reads, writes or decides who may.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from vault.model.holders import HolderCode
from vault.model.service_item import HolderRole

# A counter serves some eighty people a day; a pasted list of a whole office stays under this. Each case takes
# some hundred bytes, and the sheet is opened and sealed whole.
CASES_MAX = 200


class CaseState(StrEnum):
    """What became of a case today."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


class Turn(StrEnum):
    """What a clerk does with the sheet: take a case to hand, or put the one at hand away."""

    OPEN = "open"
    NEXT = "next"
    PREVIOUS = "previous"
    DONE = "done"
    SKIP = "skip"
    REMOVE = "remove"
    ANOTHER = "another"


_STATES = {Turn.DONE: CaseState.DONE, Turn.SKIP: CaseState.SKIPPED}


@dataclass(frozen=True, slots=True)
class DeskHolder:
    """Somebody of a case, and what they are in it.

    `scanned`: known by a certificate that was shown. The clerk never had the number, and is not shown it.
    """

    role: HolderRole
    code: HolderCode = field(repr=False)
    scanned: bool = False

    @property
    def written(self) -> str:
        """As it stands in the form: what was typed in full, what was scanned masked."""
        return self.code.masked() if self.scanned else self.code.value


@dataclass(frozen=True, slots=True)
class DeskCase:
    """A case on the sheet. `place`: its id there, of random bits; `uses`: what was used for it, by id.

    `service_item` None and no holders: its number is all that is known so far.
    """

    place: UUID
    number: str = field(repr=False)
    state: CaseState = CaseState.OPEN
    service_item: str | None = None
    holders: tuple[DeskHolder, ...] = field(repr=False, default=())
    purpose: str = field(repr=False, default="")
    needed_until: date | None = None
    uses: tuple[UUID, ...] = ()

    @property
    def is_asked(self) -> bool:
        """Whether enough is known to look what is held."""
        return self.service_item is not None and bool(self.holders)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cases in the order in which they came. `at_hand`: the place of the one that is worked on."""

    cases: tuple[DeskCase, ...] = ()
    at_hand: UUID | None = None

    def case(self, place: UUID | None) -> DeskCase | None:
        """The case at a place; None where there is none, or it was removed."""
        return next((each for each in self.cases if each.place == place), None)

    @property
    def case_at_hand(self) -> DeskCase | None:
        """The case that is worked on."""
        return self.case(self.at_hand)

    def numbered(self, number: str) -> DeskCase | None:
        """The case with this number."""
        return next((each for each in self.cases if each.number == number), None)

    def put(self, case: DeskCase) -> "Sheet":
        """With this case at its place, or at the end; it is the one at hand now."""
        if self.case(case.place) is None:
            return Sheet((*self.cases, case), case.place)
        return Sheet(tuple(case if each.place == case.place else each for each in self.cases), case.place)

    def with_numbers(self, numbers: Sequence[str], places: Sequence[UUID]) -> "Sheet":
        """With a case for each number that is not there yet; the first is taken to hand if none is."""
        known = {each.number for each in self.cases}
        fresh = tuple(
            DeskCase(place, number)
            for number, place in zip(dict.fromkeys(numbers), places, strict=False)
            if number not in known
        )
        sheet = replace(self, cases=(*self.cases, *fresh))
        at_hand = sheet.case_at_hand
        if at_hand is not None and at_hand.state is CaseState.OPEN:
            return sheet
        return replace(sheet, at_hand=fresh[0].place if fresh else sheet.neighbour(None, 1))

    def turned(self, turn: Turn, place: UUID | None) -> "Sheet":
        """After a turn with the case at this place; as it is where that case is gone.

        `ANOTHER` needs no place: no case is at hand after it.
        """
        case = self.case(place)
        if turn is Turn.ANOTHER:
            return replace(self, at_hand=None)
        if case is None:
            return self
        if turn is Turn.OPEN:
            return self.put(replace(case, state=CaseState.OPEN))
        if turn is Turn.REMOVE:
            rest = tuple(each for each in self.cases if each is not case)
            return Sheet(rest, self.neighbour(place, 1))
        if turn in _STATES:
            put_away = self.put(replace(case, state=_STATES[turn]))
            return replace(put_away, at_hand=put_away.neighbour(place, 1))
        return replace(self, at_hand=self.neighbour(place, 1 if turn is Turn.NEXT else -1) or place)

    def neighbour(self, place: UUID | None, step: int) -> UUID | None:
        """The next open case after a place, or before it, from the other end again; None: no other is open.

        `place` None: the first open one.
        """
        order = [each.place for each in self.cases]
        start = order.index(place) + step if place in order else 0
        turned = (
            order[start:] + order[:start] if step > 0 else order[: start + 1][::-1] + order[start + 1 :][::-1]
        )
        open_places = {each.place for each in self.cases if each.state is CaseState.OPEN} - {place}
        return next((each for each in turned if each in open_places), None)


def sheet_json(sheet: Sheet) -> dict[str, Any]:
    """As it is sealed."""
    return {
        "at_hand": None if sheet.at_hand is None else str(sheet.at_hand),
        "cases": [
            {
                "place": str(each.place),
                "number": each.number,
                "state": each.state.value,
                "service_item": each.service_item,
                "holders": [[h.role.value, h.code.code_type, h.code.value, h.scanned] for h in each.holders],
                "purpose": each.purpose,
                "needed_until": None if each.needed_until is None else each.needed_until.isoformat(),
                "uses": [str(use_id) for use_id in each.uses],
            }
            for each in sheet.cases
        ],
    }


def sheet_of(content: Mapping[str, Any]) -> Sheet:
    """The reverse of `sheet_json`."""
    at_hand = content["at_hand"]
    return Sheet(
        tuple(
            DeskCase(
                UUID(each["place"]),
                each["number"],
                CaseState(each["state"]),
                each["service_item"],
                tuple(
                    # Three of them on a sheet of the version before.
                    DeskHolder(HolderRole(role), HolderCode(code_type, code), *scanned)
                    for role, code_type, code, *scanned in each["holders"]
                ),
                each["purpose"],
                None if each["needed_until"] is None else date.fromisoformat(each["needed_until"]),
                tuple(UUID(use_id) for use_id in each["uses"]),
            )
            for each in content["cases"]
        ),
        None if at_hand is None else UUID(at_hand),
    )
