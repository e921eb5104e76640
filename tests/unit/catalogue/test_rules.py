"""Holders and dates of a result against its kind."""

from dataclasses import replace
from datetime import date

import pytest

from tests.unit.catalogue.catalogue_copy import holders_of
from vault.catalogue import check_holders, check_validity
from vault.errors import InputError
from vault.model.catalogue import CertificateType, ValidityRule
from vault.model.holders import Holder

Kinds = dict[str, CertificateType]
COMPANY = Holder.parse("001", "91350100M000100Y43", "样例水务集团有限公司")
WOMAN = Holder.parse("111", "11010519491231002X", "李样例")
MAN = Holder.parse("111", "440524188001010014", "张样例")


def _pointers(kind: CertificateType, *holders: Holder) -> list[str]:
    with pytest.raises(InputError) as caught:
        check_holders(kind, holders)
    return [problem.pointer for problem in caught.value.problems]


def test_a_marriage_has_two_holders_who_are_people(kinds: Kinds) -> None:
    marriage = kinds["结婚证"]
    check_holders(marriage, [WOMAN, MAN])
    assert _pointers(marriage) == ["/holders"]
    assert _pointers(marriage, WOMAN) == ["/holders"]
    assert _pointers(marriage, WOMAN, COMPANY) == ["/holders/1/code_type"]
    assert _pointers(marriage, WOMAN, WOMAN) == ["/holders/1/code"]
    assert _pointers(marriage, WOMAN, MAN, COMPANY) == ["/holders"]


def test_a_house_may_have_many_owners_of_both_kinds(kinds: Kinds) -> None:
    estate = kinds["不动产权证书"]
    check_holders(estate, [WOMAN, MAN, COMPANY])
    assert len(holders_of(estate)) == 3


def test_no_refusal_holds_a_name_or_a_code(kinds: Kinds) -> None:
    with pytest.raises(InputError) as caught:
        check_holders(kinds["营业执照"], [WOMAN, WOMAN])
    said = str(caught.value) + repr(caught.value.problems)
    assert WOMAN.name not in said
    assert WOMAN.code.value not in said


def _kind(kinds: Kinds, *, required: bool, years_max: int | None) -> CertificateType:
    return replace(kinds["营业执照"], validity=ValidityRule(required, years_max))


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "years_max"),
    [
        (date(2026, 10, 26), date(2031, 10, 25), 5),
        (date(2026, 10, 26), date(2031, 10, 26), 5),
        (date(2024, 2, 29), date(2025, 3, 1), 1),
        (date(2024, 2, 29), date(2028, 2, 29), 4),
        (date(2026, 10, 26), date(2026, 10, 26), 1),
        (date(2026, 10, 26), date(9999, 12, 31), None),
        (date(9990, 1, 1), date(9999, 12, 31), 70),
    ],
)
def test_ends_that_fit(kinds: Kinds, valid_from: date, valid_to: date, years_max: int | None) -> None:
    kind = _kind(kinds, required=True, years_max=years_max)
    check_validity(kind, issued_on=valid_from, valid_from=valid_from, valid_to=valid_to)


@pytest.mark.parametrize(
    ("issued_on", "valid_from", "valid_to", "words"),
    [
        (date(2026, 10, 26), date(2026, 10, 26), None, "always limited"),
        (date(2026, 10, 26), date(2026, 10, 26), date(2026, 10, 25), "2026-10-26 (valid_from) or later"),
        (date(2026, 10, 26), date(2025, 10, 26), date(2026, 10, 25), "2026-10-26 (issued_on) or later"),
        (date(2026, 10, 26), date(2026, 10, 26), date(2031, 10, 27), "2031-10-26 or earlier"),
        (date(2023, 3, 1), date(2024, 2, 29), date(2029, 3, 2), "2029-03-01 or earlier"),
    ],
)
def test_ends_that_do_not_fit(
    kinds: Kinds, issued_on: date, valid_from: date, valid_to: date | None, words: str
) -> None:
    kind = _kind(kinds, required=True, years_max=5)
    with pytest.raises(InputError, match="expected") as caught:
        check_validity(kind, issued_on=issued_on, valid_from=valid_from, valid_to=valid_to)
    (problem,) = caught.value.problems
    assert problem.pointer == "/valid_to"
    assert words in problem.detail


def test_long_term_where_the_law_sets_no_end(kinds: Kinds) -> None:
    day = date(2026, 10, 26)
    check_validity(_kind(kinds, required=False, years_max=None), issued_on=day, valid_from=day, valid_to=None)
