"""The DER writer and reader against asn1crypto, an implementation by other hands."""

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from signing import der
from vault.errors import SignatureError

ARCS = st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**70), max_size=8)).map(
    lambda parts: ".".join(str(arc) for arc in (parts[0], parts[1], *parts[2]))
)
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone


@given(st.integers(-(2**300), 2**300))
def test_integers_agree(value: int) -> None:
    assert der.integer(value) == core.Integer(value).dump()
    assert der.read_integer(der.read(der.integer(value))) == value


@given(ARCS)
def test_object_identifiers_agree(dotted: str) -> None:
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


@given(st.binary(max_size=70_000))
def test_octet_strings_agree(value: bytes) -> None:
    encoded = der.octet_string(value)
    assert encoded == core.OctetString(value).dump()
    assert der.read(encoded).content == value


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65_535, 65_536, 16_777_216])
def test_lengths_around_the_long_forms_agree(size: int) -> None:
    assert der.octet_string(bytes(size)) == core.OctetString(bytes(size)).dump()


@given(MOMENTS)
def test_times_read_back(moment: datetime) -> None:
    assert core.GeneralizedTime.load(der.generalized_time(moment)).native == moment


def test_a_fraction_has_no_trailing_zero() -> None:
    moment = datetime(2026, 10, 26, 8, 0, 0, 120_000, UTC)
    assert der.generalized_time(moment).endswith(b"20261026080000.12Z")


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_sets_are_sorted_as_asn1crypto_sorts_them(values: list[bytes]) -> None:
    class Octets(core.SetOf):  # type: ignore[misc]  # asn1crypto publishes no types
        _child_spec = core.OctetString

    assert der.set_of(*(der.octet_string(value) for value in values)) == Octets(values).dump(force=True)


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_children_come_back_as_they_went_in(values: list[bytes]) -> None:
    children = der.read(der.sequence(*(der.octet_string(value) for value in values))).children()
    assert [child.content for child in children] == values
    assert [child.encoded for child in children] == [der.octet_string(value) for value in values]


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\x04",
        b"\x04\x80\x00\x00",  # indefinite length
        b"\x04\x81\x05hello",  # a length not in its shortest form
        b"\x04\x82\x00\xff" + bytes(255),
        b"\x04\x05hell",  # cut off
        b"\x04\x05hello!",  # something left over
        b"\x1f\x81\x01\x00",  # a tag of several octets
        b"\x04\x85\x01\x00\x00\x00\x00",  # a length of five octets
    ],
)
def test_what_is_not_der_is_told(source: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        der.read(source)
    assert caught.value.reason == "not-der"


@given(st.binary(max_size=60))
def test_the_reader_raises_nothing_else(source: bytes) -> None:
    try:
        element = der.read(source)
        element.children()
    except SignatureError:
        return
    assert element.encoded == source
