"""Unified social credit codes: both check characters, every department, the alphabet."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc
from stdnum.exceptions import InvalidFormat

from tests.generators import CREDIT_CODE_CHARACTERS, CREDIT_CODE_HEADS, credit_codes, make_credit_code
from vault.errors import InputError
from vault.model.credit_code import CATEGORIES, SocialCreditCode

PUBLISHED = (
    "91350100M000100Y43",
    "91110000600037341L",
    "11430000006122244L",
    "11330105002500287C",
    "11220000013544541J",
    "11110000000021135M",
    "11100000000013338W",
    "11100000MB03271699",
    "91370406L24894136J",
    "91440101MA5CJMYA97",
    "11100000000013661B",
    "113700000045046442",
)


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        SocialCreditCode.parse(text)
    assert [p.pointer for p in caught.value.problems] == [""]
    return caught.value.detail


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_codes_are_valid(code: str) -> None:
    assert SocialCreditCode(code).value == code
    assert make_credit_code(code[:8], code[8:16]) == code


@given(credit_codes())
def test_every_well_made_code_survives(code: str) -> None:
    assert SocialCreditCode.parse(code.lower()).value == code
    assert str(SocialCreditCode(code)) == code


@given(credit_codes(), st.integers(0, 17), st.sampled_from(CREDIT_CODE_CHARACTERS))
def test_one_mistyped_character_is_always_caught(code: str, place: int, typed: str) -> None:
    mistyped = code[:place] + typed + code[place + 1 :]
    if mistyped == code:
        return
    with pytest.raises(InputError):
        SocialCreditCode(mistyped)


def test_no_other_department_or_category_passes() -> None:
    for department, category in product(CREDIT_CODE_CHARACTERS, repeat=2):
        code = make_credit_code(f"{department}{category}350100")
        if department + category in CREDIT_CODE_HEADS:
            assert SocialCreditCode(code).value == code
        else:
            assert "department" in refusal(code)


def test_table_and_generator_list_the_same_heads() -> None:
    assert sorted(d + c for d, categories in CATEGORIES.items() for c in categories) == sorted(
        CREDIT_CODE_HEADS
    )


@pytest.mark.parametrize(
    "typed", [" 91350100 M000100Y43", "９１３５０１００Ｍ０００１００Ｙ４３", "91350100m000100y43"]
)
def test_what_people_type_becomes_the_written_form(typed: str) -> None:
    assert SocialCreditCode.parse(typed).value == "91350100M000100Y43"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "got 0"),
        ("91350100M000100Y4", "got 17"),
        ("91350100M000100Y430", "got 19"),
        ("91350100O000100Y43", "I, O, S, V, Z"),
        ("91350100М000100Y43", "Cyrillic"),
        ("91350100-000100Y43", "punctuation"),
        ("9135010AM000100Y43", "six digits"),
        ("91350100M000100Y53", "character 17"),
        ("91350100M000100Y44", "check character"),
        ("11100000MB0000000X", "check character"),
    ],
)
def test_what_is_refused_says_why(typed: str, says: str) -> None:
    assert says in refusal(typed)


def test_the_constructor_takes_the_written_form_only() -> None:
    with pytest.raises(InputError):
        SocialCreditCode("91350100m000100y43")


def test_a_code_is_public() -> None:
    assert "91350100M000100Y43" in repr(SocialCreditCode("91350100M000100Y43"))


def ordinary_codes() -> st.SearchStrategy[str]:
    return credit_codes().filter(lambda code: code[0].isdigit())


@given(ordinary_codes(), st.sampled_from(CREDIT_CODE_CHARACTERS))
def test_stdnum_agrees_on_ordinary_codes(code: str, check: str) -> None:
    typed = code[:-1] + check
    try:
        ours = SocialCreditCode(typed).value
    except InputError:
        ours = None
    assert (ours is not None) == uscc.is_valid(typed)


@pytest.mark.parametrize("head", ["A1", "A9", "N1", "N2", "N3", "N9", "Y1"])
def test_stdnum_refuses_departments_with_letters(head: str) -> None:
    code = make_credit_code(f"{head}350100")
    with pytest.raises(InvalidFormat):
        uscc.validate(code)
    assert SocialCreditCode(code).value == code


def test_stdnum_does_not_look_at_the_organisation_code() -> None:
    first = "91350100M000100Y5"
    wrong_inside = first + uscc.calc_check_digit(first + "0")
    assert uscc.is_valid(wrong_inside)
    assert "character 17" in refusal(wrong_inside)
