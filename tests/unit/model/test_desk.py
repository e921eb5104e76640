"""The sheet on a clerk's desk: numbers once, turns that go round, cases that are put away."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.model.desk import CaseState, DeskCase, DeskHolder, Sheet, Turn, sheet_json, sheet_of
from vault.model.holders import HolderCode
from vault.model.service_item import HolderRole

A, B, C = (UUID(int=n) for n in (1, 2, 3))
THREE = Sheet(tuple(DeskCase(place, f"SL-{place.int}") for place in (A, B, C)), A)


def test_numbers_come_once_and_the_first_is_at_hand() -> None:
    sheet = Sheet().with_numbers(["x", "y", "x"], [A, B, C])
    assert [each.number for each in sheet.cases] == ["x", "y"]
    assert sheet.at_hand == A
    more = sheet.with_numbers(["y", "z"], [B, C])
    assert [each.number for each in more.cases] == ["x", "y", "z"]
    assert more.at_hand == A
    assert more.turned(Turn.ANOTHER, None).with_numbers(["w"], [UUID(int=9)]).at_hand == UUID(int=9)
    assert len({each.place for each in more.cases}) == 3


@pytest.mark.parametrize(
    ("turn", "at", "then"),
    [
        (Turn.NEXT, A, B),
        (Turn.NEXT, C, A),
        (Turn.PREVIOUS, A, C),
        (Turn.PREVIOUS, B, A),
        (Turn.DONE, B, C),
        (Turn.SKIP, C, A),
        (Turn.REMOVE, C, A),
        (Turn.OPEN, C, C),
        (Turn.ANOTHER, B, None),
    ],
)
def test_where_a_turn_leads(turn: Turn, at: UUID, then: UUID | None) -> None:
    assert THREE.turned(turn, at).at_hand == then


def test_what_is_put_away_is_passed_by_until_it_is_opened_again() -> None:
    done = THREE.turned(Turn.DONE, B)
    assert done.turned(Turn.NEXT, A).at_hand == C
    assert done.turned(Turn.PREVIOUS, C).at_hand == A
    again = done.turned(Turn.OPEN, B)
    assert (again.at_hand, again.case(B).state) == (B, CaseState.OPEN)  # type: ignore[union-attr]  # it is there
    alone = THREE.turned(Turn.REMOVE, A).turned(Turn.REMOVE, B)
    assert alone.turned(Turn.NEXT, C).at_hand == C
    assert alone.turned(Turn.DONE, C).at_hand is None
    assert alone.turned(Turn.DONE, A) == alone


@given(st.lists(st.tuples(st.sampled_from(list(Turn)), st.sampled_from([A, B, C]))))
def test_no_turn_loses_a_case_but_removal(turns: list[tuple[Turn, UUID]]) -> None:
    sheet, there = THREE, {A, B, C}
    for turn, place in turns:
        sheet = sheet.turned(turn, place)
        there -= {place} if turn is Turn.REMOVE else set()
        assert {each.place for each in sheet.cases} == there
        assert sheet.at_hand in there | {None}
    assert sheet_of(sheet_json(sheet)) == sheet


def test_who_was_scanned_stays_so_and_is_written_masked() -> None:
    code = HolderCode.parse("111", "11010519491231002X")
    typed, scanned = DeskHolder(HolderRole.AGENT, code), DeskHolder(HolderRole.AGENT, code, scanned=True)
    sheet = Sheet((DeskCase(A, "SL-1", holders=(typed, scanned)),), A)
    sealed = sheet_json(sheet)
    assert sheet_of(sealed) == sheet
    assert [each.written for each in sheet.cases[0].holders] == ["11010519491231002X", code.masked()]
    sealed["cases"][0]["holders"] = [holder[:3] for holder in sealed["cases"][0]["holders"]]
    assert sheet_of(sealed).cases[0].holders == (typed, typed), "a sheet of the version before"


def test_a_case_is_sealed_and_opened_as_it_is() -> None:
    holder = DeskHolder(HolderRole.AGENT, HolderCode.parse("111", "11010519491231002X"))
    case = DeskCase(A, "SL-1", CaseState.OPEN, "990100000117002", (holder,), "办理", None, (B,))
    sheet = Sheet((case,), A)
    assert sheet_of(sheet_json(sheet)) == sheet
    assert "11010519491231002X" not in repr(sheet)
    assert "SL-1" not in repr(sheet)
