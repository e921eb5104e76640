"""Certificate identifiers: published ones, the vendors' variant, and what we refuse to write."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36 as stdnum_mod_37_36

from tests.generators import credit_codes
from vault.errors import InputError
from vault.model.checksums import ALPHANUMERIC, mod_37_36
from vault.model.identifier import (
    ROOT,
    SERIAL_LENGTH_MAX,
    VERSION_MAX,
    CertificateIdentifier,
    IdentifierCheck,
    read_identifier,
)

PUBLISHED = (
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
    "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
)
AREA_AS_AUTHORITY = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"
VENDORS_VARIANT = (
    "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M"
)


def serials() -> st.SearchStrategy[str]:
    return st.text(ALPHANUMERIC, min_size=1, max_size=SERIAL_LENGTH_MAX)


def identifiers() -> st.SearchStrategy[CertificateIdentifier]:
    type_codes = st.builds("{}{:03d}".format, credit_codes(), st.integers(0, 999))
    versions = st.integers(1, VERSION_MAX)
    return st.builds(CertificateIdentifier, type_codes, credit_codes(), serials(), versions)


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_identifiers_are_read_and_written_alike(text: str) -> None:
    assert str(CertificateIdentifier.parse(text)) == text
    assert read_identifier(text).check is IdentifierCheck.OK


def test_an_area_code_as_authority_is_read_and_never_written() -> None:
    reading = read_identifier(AREA_AS_AUTHORITY)
    assert reading.authority == "340100"
    assert reading.check is IdentifierCheck.OK
    with pytest.raises(InputError) as caught:
        CertificateIdentifier.parse(AREA_AS_AUTHORITY)
    assert [p.pointer for p in caught.value.problems] == ["/authority"]


def test_the_vendors_variant_is_called_legacy() -> None:
    reading = read_identifier(VENDORS_VARIANT)
    assert reading.check is IdentifierCheck.LEGACY
    assert reading.check_character == "M"
    with pytest.raises(InputError, match="variant"):
        CertificateIdentifier.parse(VENDORS_VARIANT)
    ours = CertificateIdentifier(reading.type_code, reading.authority, reading.serial, reading.version)
    assert ours.check_character == "D"


def test_the_vendors_variant_leaves_a_sum_of_exactly_37_alone() -> None:
    # The serial's letter brings the sum to 37; reducing it there as well would give D.
    assert read_identifier("11100000000013661B006.113700000045046442.R.001.I").check is IdentifierCheck.LEGACY


def test_any_other_check_character_is_bad() -> None:
    readings = [read_identifier(VENDORS_VARIANT[:-1] + c) for c in ALPHANUMERIC]
    verdicts = [reading.check for reading in readings]
    assert verdicts.count(IdentifierCheck.OK) == 1
    assert verdicts.count(IdentifierCheck.LEGACY) == 1
    assert verdicts.count(IdentifierCheck.BAD) == len(ALPHANUMERIC) - 2
    with pytest.raises(InputError, match="does not fit"):
        CertificateIdentifier.parse(VENDORS_VARIANT[:-1] + "A")


@given(identifiers())
def test_every_identifier_that_can_be_built_reads_back(identifier: CertificateIdentifier) -> None:
    text = str(identifier)
    assert len(text) <= 128
    assert CertificateIdentifier.parse(text) == identifier
    assert CertificateIdentifier.parse(text.lower()) == identifier
    reading = read_identifier(text.removeprefix(ROOT + "."))
    assert not reading.rooted
    assert reading.check is IdentifierCheck.OK


@given(identifiers(), st.data())
def test_one_mistyped_character_is_always_noticed(
    identifier: CertificateIdentifier, data: st.DataObject
) -> None:
    text = str(identifier)
    place = data.draw(st.integers(len(ROOT) + 1, len(text) - 1).filter(lambda p: text[p] != "."))
    typed = data.draw(st.sampled_from(ALPHANUMERIC))
    if typed == text[place]:
        return
    mistyped = text[:place] + typed + text[place + 1 :]
    with pytest.raises(InputError):
        CertificateIdentifier.parse(mistyped)


@given(st.text(ALPHANUMERIC, min_size=1, max_size=120))
def test_stdnum_computes_the_same_check_character(text: str) -> None:
    assert mod_37_36(text) == stdnum_mod_37_36.calc_check_digit(text)


def test_the_next_version_is_another_identifier() -> None:
    second = replace(CertificateIdentifier.parse(PUBLISHED[0]), version=2)
    assert str(second).startswith(PUBLISHED[0][: -len("001.U")] + "002.")
    assert CertificateIdentifier.parse(str(second)) == second


def test_there_is_no_thousandth_version() -> None:
    last = CertificateIdentifier("11100000000013338W011", "11430000006122244L", "1", VERSION_MAX)
    with pytest.raises(InputError) as caught:
        replace(last, version=last.version + 1)
    assert [p.pointer for p in caught.value.problems] == ["/version"]


@pytest.mark.parametrize(
    ("type_code", "authority", "serial", "version", "pointer"),
    [
        ("11100000MB0000000X001", "11430000006122244L", "1", 1, "/type_code"),
        ("11100000000013338W", "11430000006122244L", "1", 1, "/type_code"),
        ("11100000000013338W0110", "11430000006122244L", "1", 1, "/type_code"),
        ("11100000000013338W01A", "11430000006122244L", "1", 1, "/type_code"),
        ("11100000000013338W01１", "11430000006122244L", "1", 1, "/type_code"),
        ("11100000000013338W011", "11430000006122244K", "1", 1, "/authority"),
        ("11100000000013338W011", "340100", "1", 1, "/authority"),
        ("11100000000013338W011", "11430000006122244L", "", 1, "/serial"),
        ("11100000000013338W011", "11430000006122244L", "a", 1, "/serial"),
        ("11100000000013338W011", "11430000006122244L", "1\n", 1, "/serial"),
        ("11100000000013338W011", "11430000006122244L", "1.2", 1, "/serial"),
        ("11100000000013338W011", "11430000006122244L", "1" * 65, 1, "/serial"),
        ("11100000000013338W011", "11430000006122244L", "1", 0, "/version"),
        ("11100000000013338W011", "11430000006122244L", "1", 1000, "/version"),
    ],
)
def test_what_must_not_be_written(
    type_code: str, authority: str, serial: str, version: int, pointer: str
) -> None:
    with pytest.raises(InputError) as caught:
        CertificateIdentifier(type_code, authority, serial, version)
    assert [p.pointer for p in caught.value.problems] == [pointer]


@pytest.mark.parametrize(
    "text",
    [
        "",
        ROOT,
        PUBLISHED[0][:-2],
        PUBLISHED[0] + ".1",
        PUBLISHED[0].replace(".001.", ".1."),
        PUBLISHED[0].replace("1.2.156", "1.2.840"),
        PUBLISHED[0].replace("L.", "."),
        PUBLISHED[0].replace("W011", "М011"),  # a Cyrillic letter
        "1" * 1000,
    ],
)
def test_what_has_not_the_shape_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_identifier(text)


def test_the_strict_reading_wants_the_root() -> None:
    with pytest.raises(InputError, match="begins with"):
        CertificateIdentifier.parse(PUBLISHED[0].removeprefix(ROOT + "."))
