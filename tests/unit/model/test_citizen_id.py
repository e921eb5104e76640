"""Citizen identity numbers: the standard's examples, published specimens, and what must not pass."""

import copy
import pickle
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent, InvalidLength

from tests.generators import births, citizen_ids, make_citizen_id
from vault.errors import InputError
from vault.model.citizen_id import EARLIEST_BIRTH, CitizenId

STANDARD_EXAMPLE = "11010519491231002X"
# Published by the standard, the Beijing police and the makers of the permanent resident card.
SPECIMENS = (
    STANDARD_EXAMPLE,
    "440524188001010014",
    "810000199408230021",
    "830000199201300022",
    "911398199012310021",
)
CHECK_PLACE = 18


def refusal(text: str, *, today: date | None = None) -> str:
    with pytest.raises(InputError) as caught:
        CitizenId.parse(text, today=today)
    assert [p.pointer for p in caught.value.problems] == [""]
    assert caught.value.problems[0].detail == caught.value.detail
    return caught.value.detail


@pytest.mark.parametrize("number", SPECIMENS)
def test_published_numbers_are_valid(number: str) -> None:
    assert CitizenId.parse(number).value == number
    assert CitizenId(number).value == number
    assert make_citizen_id(number[:6], CitizenId(number).birth_date, int(number[14:17])) == number


@given(citizen_ids())
@example(make_citizen_id("110101", date(1900, 1, 1), 1))
@example(make_citizen_id("110101", date(1904, 2, 29), 1))
def test_every_well_made_number_survives(number: str) -> None:
    parsed = CitizenId.parse(number, today=date(2026, 11, 22))
    assert parsed.value == number
    assert parsed.birth_date == date.fromisoformat(number[6:14])


@given(citizen_ids(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_mistyped_character_is_always_caught(number: str, place: int, typed: str) -> None:
    mistyped = number[:place] + typed + number[place + 1 :]
    if mistyped == number:
        assert CitizenId(mistyped).value == number
        return
    with pytest.raises(InputError):
        CitizenId(mistyped)


@given(citizen_ids(), st.integers(0, 16))
def test_two_swapped_neighbours_are_always_caught(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped == number:
        return
    with pytest.raises(InputError):
        CitizenId(swapped)


@given(citizen_ids(), st.data())
def test_no_message_holds_the_number_or_a_part_that_identifies(number: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 17))
    typed = data.draw(st.sampled_from("0123456789XYх*\u200b"))
    mistyped = number[:place] + typed + number[place + 1 :]
    if mistyped == number:
        return
    detail = refusal(mistyped)
    assert number[6:14] not in detail
    assert number[14:] not in detail
    assert mistyped[14:] not in detail


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002x",
        " 110105 19491231 002X\t",
        "１１０１０５１９４９１２３１００２Ｘ",
        "11010519491231002ｘ",
        "110105\u300019491231\u00a0002X",
        "110105491231002",
        "１１０１０５ ４９１２３１ ００２",
    ],
)
def test_what_people_type_becomes_the_written_form(typed: str) -> None:
    assert CitizenId.parse(typed).value == STANDARD_EXAMPLE


@given(births(), st.integers(0, 995))
def test_the_older_form_gets_its_century_and_its_check(birth: date, sequence: int) -> None:
    legacy = f"110105{birth:%y%m%d}{sequence:03d}"
    try:
        in_this_century = birth.replace(year=1900 + birth.year % 100)
    except ValueError:  # 29 February 1900
        return
    assert CitizenId.parse(legacy).value == make_citizen_id("110105", in_this_century, sequence)


def test_sequences_of_centenarians_mean_the_century_before() -> None:
    assert CitizenId.parse("110105850101996").birth_date == date(1885, 1, 1)
    assert CitizenId.parse("110105850101995").birth_date == date(1985, 1, 1)


@pytest.mark.parametrize(
    "typed", ["910105491231002", "11010549123100X", "990105491231002", "110105490231002"]
)
def test_the_older_form_is_judged_as_well(typed: str) -> None:
    refusal(typed)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "got 0"),
        ("1101051949123100", "got 16"),
        ("1" * 19, "got 19"),
        ("1" * 300, "too long"),
        ("11010519491231002Х", "Cyrillic"),
        ("11010519491231002х", "Cyrillic"),
        ("11010519491231002Χ", "Greek"),
        ("11010519491231002\u2169", "U+2169"),  # the Roman numeral ten
        ("11010519491231002×", "U+00D7"),  # the multiplication sign
        ("11010519491231002X\u200b", "invisible"),
        ("\u202d11010519491231002X", "invisible"),
        ("11010519491231002٣", "U+0663"),  # an Arabic digit three: int() would take it
        ("1101051949123100²X", "U+00B2"),
        ("1101051949X231002X", "character 11: expected a digit, got a letter"),
        ("1101051949-231002X", "got a punctuation mark"),
        ("11010519491231002Y", "character 18: expected a digit or X, got a letter"),
        ("110105194912310021", "check character"),
        (make_citizen_id("990101", date(1900, 1, 1), 1), "province"),
        (make_citizen_id("000000", date(1900, 1, 1), 1), "province"),
        (make_citizen_id("160101", date(1900, 1, 1), 1), "province"),
        (make_citizen_id("998398", date(1900, 1, 1), 1), "digits 2 and 3"),
        ("110101190002290016", "no such birth date"),  # 1900 was no leap year
        ("110101190013010016", "no such birth date"),
        ("110101000001010016", "no such birth date"),
        (make_citizen_id("110101", date(1849, 12, 31), 1), "1850"),
    ],
)
def test_what_is_refused_says_why(typed: str, says: str) -> None:
    assert says in refusal(typed)


def test_the_first_day_that_passes_is_the_limit() -> None:
    assert CitizenId(make_citizen_id("110101", EARLIEST_BIRTH, 1)).birth_date == EARLIEST_BIRTH


def test_nobody_is_born_tomorrow() -> None:
    assert CitizenId.parse(STANDARD_EXAMPLE, today=date(1949, 12, 31)).value == STANDARD_EXAMPLE
    assert "future" in refusal(STANDARD_EXAMPLE, today=date(1949, 12, 30))


def test_the_constructor_takes_the_written_form_only() -> None:
    for typed in ("11010519491231002x", " 11010519491231002X", "110105491231002"):
        with pytest.raises(InputError):
            CitizenId(typed)


def test_the_number_shows_nowhere_but_in_value() -> None:
    number = CitizenId(STANDARD_EXAMPLE)
    assert number.masked() == "1101**********002X"
    shown = f"{number} {number!r} {[number]}"
    assert "0519491231" not in shown
    assert "1101**********002X" in shown


def test_it_is_a_value() -> None:
    number = CitizenId(STANDARD_EXAMPLE)
    assert number == CitizenId.parse("110105491231002")
    assert {number: 1}[copy.deepcopy(number)] == 1
    assert pickle.loads(pickle.dumps(number)) == number  # noqa: S301 - our own bytes
    with pytest.raises(AttributeError):
        number.value = "440524188001010014"  # type: ignore[misc]  # the very thing that must fail


# python-stdnum as a second opinion. It wants the county to have existed at birth, so whole provinces are
# asked about: they are listed there without years.
PROVINCES_KNOWN_TO_STDNUM = ("110000", "310000", "440000", "540000", "650000")


@given(
    st.sampled_from(PROVINCES_KNOWN_TO_STDNUM), births(), st.integers(0, 999), st.sampled_from("0123456789X")
)
def test_stdnum_agrees_on_ordinary_numbers(area: str, birth: date, sequence: int, check: str) -> None:
    typed = make_citizen_id(area, birth, sequence)[:-1] + check
    try:
        ours = CitizenId(typed).value
    except InputError:
        ours = None
    assert (ours is not None) == ric.is_valid(typed)


@pytest.mark.parametrize(
    "number",
    ["440524188001010014", "810000199408230021", "830000199201300022", "911398199012310021"],
)
def test_stdnum_refuses_places_that_we_take(number: str) -> None:
    with pytest.raises(InvalidComponent):
        ric.validate(number)
    assert CitizenId(number).value == number


def test_stdnum_knows_no_older_form() -> None:
    with pytest.raises(InvalidLength):
        ric.validate("110105491231002")


def test_stdnum_takes_birth_dates_that_we_refuse() -> None:
    long_ago = make_citizen_id("110000", date(1800, 1, 1), 1)
    to_come = make_citizen_id("110000", date(2999, 1, 1), 1)
    assert ric.is_valid(long_ago)
    assert ric.is_valid(to_come)
    refusal(long_ago)
    refusal(to_come, today=date(2026, 11, 22))
