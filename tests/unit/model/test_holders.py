"""Holder codes and names: every type, what each refuses, and what may be shown."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.generators import citizen_ids, credit_codes, make_citizen_id
from vault.errors import InputError
from vault.model.catalogue import HolderKind
from vault.model.holders import (
    CODE_LENGTH_MAX,
    HOLDER_CODE_TYPES,
    NAME_LENGTH_MAX,
    CodeForm,
    Holder,
    HolderCode,
    mask_name,
)

BORN_1900 = date(1900, 1, 1)
PERSON_ID = make_citizen_id("110101", BORN_1900, 1)
HONG_KONG = make_citizen_id("810000", BORN_1900, 2)
MACAO = make_citizen_id("820000", BORN_1900, 2)
TAIWAN = make_citizen_id("830000", BORN_1900, 2)
FOREIGNER = make_citizen_id("911398", BORN_1900, 2)
COMPANY = "91350100M000100Y43"
FREE_TYPES = [code for code, row in HOLDER_CODE_TYPES.items() if row.form is CodeForm.FREE]


def pointers(error: InputError) -> list[str]:
    return [problem.pointer for problem in error.problems]


def test_the_list_is_the_annex_and_three_more() -> None:
    annex = {"001", "099", "111", "114", "115", "118", "119", "120", "122"}
    annex |= {"411", "412", "413", "414", "511", "516", "999"}
    assert set(HOLDER_CODE_TYPES) == annex | {"551", "552", "553"}
    organisations = {c for c, row in HOLDER_CODE_TYPES.items() if row.kind is HolderKind.ORGANISATION}
    assert organisations == {"001", "099"}
    assert len({row.zh for row in HOLDER_CODE_TYPES.values()}) == len(HOLDER_CODE_TYPES)
    assert len({row.en for row in HOLDER_CODE_TYPES.values()}) == len(HOLDER_CODE_TYPES)


@pytest.mark.parametrize(
    ("code_type", "code"),
    [
        ("001", COMPANY),
        ("111", PERSON_ID),
        ("111", HONG_KONG),
        ("111", FOREIGNER),
        ("551", HONG_KONG),
        ("551", MACAO),
        ("552", TAIWAN),
        ("553", FOREIGNER),
        ("414", "E12345678"),
        ("511", "12345678"),
        ("516", "H12345678"),
        ("114", "军字第1234567号"),
        ("999", "AB-12"),
    ],
)
def test_codes_that_fit_their_type(code_type: str, code: str) -> None:
    parsed = HolderCode.parse(code_type, code)
    assert parsed == HolderCode(code_type, code)
    assert parsed.value == code
    assert parsed.kind is (HolderKind.ORGANISATION if code_type == "001" else HolderKind.PERSON)


@pytest.mark.parametrize(
    ("code_type", "code"),
    [
        ("001", PERSON_ID),
        ("001", "91350100M000100Y44"),
        ("111", COMPANY),
        ("111", PERSON_ID[:-1]),
        ("551", TAIWAN),
        ("551", PERSON_ID),
        ("552", HONG_KONG),
        ("553", PERSON_ID),
        ("414", ""),
        ("414", "E" * (CODE_LENGTH_MAX + 1)),
        ("414", "E1234/5678"),
        ("414", "Е12345678"),  # a Cyrillic letter
        ("414", "E1234\u200b5678"),
        ("414", "E1234–5678"),  # a dash that is no hyphen
        ("414", "E1234٣678"),
        ("414", "\u037e12345678"),  # the Greek question mark: NFKC makes a semicolon of it
    ],
)
def test_codes_that_do_not_fit_their_type(code_type: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        HolderCode.parse(code_type, code)
    assert pointers(caught.value) == ["/code"]
    assert not code or code not in str(caught.value)


@pytest.mark.parametrize("code_type", ["", "1", "10", "112", "０01", PERSON_ID])
def test_an_unknown_type_is_refused_and_not_quoted(code_type: str) -> None:
    with pytest.raises(InputError) as caught:
        HolderCode.parse(code_type, PERSON_ID)
    assert pointers(caught.value) == ["/code_type"]
    assert PERSON_ID not in str(caught.value)


def test_the_constructor_takes_the_written_form_only() -> None:
    for code_type, code in (("414", "e12345678"), ("111", "110105491231002"), ("001", f" {COMPANY}")):
        with pytest.raises(InputError):
            HolderCode(code_type, code)


@pytest.mark.parametrize("typed", ["e12345678", "Ｅ１２３４５６７８", " E1234 5678 ", "ⓔ12345678"])
def test_free_codes_are_brought_to_one_form(typed: str) -> None:
    assert HolderCode.parse("414", typed).value == "E12345678"


@given(st.sampled_from(FREE_TYPES), st.text(max_size=40))
def test_whatever_is_typed_as_a_free_code_is_refused_or_stays_as_it_is(code_type: str, typed: str) -> None:
    with suppress(InputError):
        parsed = HolderCode.parse(code_type, typed)
        assert HolderCode.parse(code_type, parsed.value) == parsed
        assert 1 <= len(parsed.value) <= CODE_LENGTH_MAX


@given(citizen_ids())
def test_a_persons_code_is_shown_in_part_only(number: str) -> None:
    code = HolderCode.parse("111", number)
    shown = f"{code} {code!r} {code.masked()} {Holder(code, '样例')!r}"
    assert number[4:14] not in shown
    assert code.masked() == f"{number[:4]}**********{number[-4:]}"


@given(credit_codes())
def test_a_companys_code_is_public(number: str) -> None:
    assert HolderCode.parse("001", number).masked() == number


@pytest.mark.parametrize(
    ("code", "masked"),
    [("E12345678", "E1*****78"), ("1234567", "1*****7"), ("123", "***"), ("1", "*")],
)
def test_short_codes_show_less(code: str, masked: str) -> None:
    assert HolderCode.parse("414", code).masked() == masked


def test_births_to_come_are_refused_with_today() -> None:
    tomorrow = make_citizen_id("110101", date(2026, 11, 23), 1)
    assert HolderCode.parse("111", tomorrow).value == tomorrow
    with pytest.raises(InputError) as caught:
        HolderCode.parse("111", tomorrow, today=date(2026, 11, 22))
    assert pointers(caught.value) == ["/code"]


def test_a_holder_is_read_as_a_whole() -> None:
    holder = Holder.parse("001", COMPANY.lower(), " 样例水务集团有限公司 ")
    assert holder == Holder(HolderCode("001", COMPANY), "样例水务集团有限公司")
    assert "样例" not in repr(holder)
    assert mask_name(holder.name, holder.code.kind) == "样例****公司"


def test_all_that_is_wrong_with_a_holder_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Holder.parse("111", "1", "\u202e")
    assert pointers(caught.value) == ["/code", "/name"]
    with pytest.raises(InputError) as caught:
        Holder.parse("112", PERSON_ID, "张三")
    assert pointers(caught.value) == ["/code_type"]


@pytest.mark.parametrize(
    "name",
    ["张三", "欧阳样例", "买买提·艾力", "John Smith", "𬱖㛃䶮", "葛󠄀", "ᠮᠣᠩᠭᠣᠯ\u180eᠠ", "x" * NAME_LENGTH_MAX],
)
def test_names_that_people_have(name: str) -> None:
    assert Holder.parse("111", PERSON_ID, name).name == name


def test_a_name_is_composed() -> None:
    assert Holder.parse("111", PERSON_ID, "Jose\u0301").name == "José"
    with pytest.raises(InputError):
        Holder(HolderCode("111", PERSON_ID), "Jose\u0301")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "张\u202e三",
        "张\u2066三",
        "张\n三",
        "张\x00三",
        "张\u200b三",
        "张\u2028三",
        "张\ud800三",
        "\ufeff张三",
        "x" * (NAME_LENGTH_MAX + 1),
        "x" * 100_000,
    ],
)
def test_names_that_deceive_or_break_are_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        Holder.parse("111", PERSON_ID, name)
    assert pointers(caught.value) == ["/name"]


@pytest.mark.parametrize(
    ("name", "kind", "masked"),
    [
        ("张三", HolderKind.PERSON, "张*"),
        ("张三丰", HolderKind.PERSON, "张**"),
        ("张", HolderKind.PERSON, "*"),
        ("买买提·艾力", HolderKind.PERSON, "买**·**"),
        ("John Smith", HolderKind.PERSON, "J*** *****"),
        ("样例水务集团有限公司", HolderKind.ORGANISATION, "样例****公司"),
        ("样例水务局", HolderKind.ORGANISATION, "样例****务局"),
        ("样例小店", HolderKind.ORGANISATION, "样***"),
        ("", HolderKind.PERSON, "*"),
    ],
)
def test_names_are_masked(name: str, kind: HolderKind, masked: str) -> None:
    assert mask_name(name, kind) == masked


def test_a_name_of_an_unknown_kind_shows_as_little_as_a_persons() -> None:
    assert mask_name("样例水务集团有限公司") == "样*********"
