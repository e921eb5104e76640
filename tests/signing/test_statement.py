"""The statement in a QR: there and back, strictly, and never believed when a byte of it changed."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import base45, cbor
from signing.cbor import Tagged
from signing.cose import read_sign1, sign1, signed_bytes
from signing.offline import status_line
from signing.statement import STATEMENT_MAX_BYTES, in_fragment, read_statement, write_statement
from signing.statement_key import StatementPublicKey
from signing.typeset import qr_modules
from signing.typeset.qr import SIDE_MAX_MODULES
from tests.signing.statements import LONGEST, STATEMENT, statement_key, url_of
from vault.errors import InputError, SignatureError
from vault.model.certificate import Status
from vault.model.origin import OriginKind
from vault.model.statement import (
    DIGEST_PREFIX_BYTES,
    HOLDER_MAX_BYTES,
    NAMES_MAX_BYTES,
    Covers,
    DocumentMark,
    Statement,
    clipped,
    stated_names,
)
from vault.model.written import UNPRINTABLE

KEY = statement_key()
# RFC 9052, appendix C.2.1, with the key "11" of appendix C.7.1.
RFC_SIGN1 = (
    "d28443a10126a10442313154546869732069732074686520636f6e74656e742e"
    "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"
    "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36"
)
RFC_X = "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
RFC_Y = "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"

_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=13).map(
    lambda name: UNPRINTABLE.sub(" ", name)
)
_DAYS = st.dates(date(1900, 1, 1), date(9999, 12, 31))
_STATEMENTS = st.builds(
    replace,
    st.just(STATEMENT),
    type_name=_NAMES,
    authority_name=_NAMES,
    holder=_NAMES,
    holders=st.integers(1, 10_000),
    issued_on=_DAYS,
    valid_from=_DAYS,
    valid_to=st.none() | _DAYS,
    status=st.sampled_from(Status),
    as_of=st.datetimes(datetime(2000, 1, 1), datetime(9999, 1, 1)).map(  # noqa: DTZ001 - made aware below
        lambda at: at.replace(microsecond=0, tzinfo=UTC)
    ),
    document=st.builds(
        DocumentMark,
        st.sampled_from(Covers),
        st.binary(min_size=DIGEST_PREFIX_BYTES, max_size=DIGEST_PREFIX_BYTES),
    ),
    origin=st.sampled_from(OriginKind),
)


def test_the_rfcs_own_example_holds_and_ours_has_its_form() -> None:
    tag = cbor2.loads(bytes.fromhex(RFC_SIGN1))
    protected, _, payload, signature = tag.value
    key = StatementPublicKey(bytes.fromhex(RFC_X), bytes.fromhex(RFC_Y))
    key.check(signed_bytes(protected, payload), signature)
    with pytest.raises(SignatureError):
        key.check(signed_bytes(protected, payload + b"."), signature)
    ours = cbor2.loads(sign1(KEY, b"{}"))
    assert ours.tag == 18
    assert list(ours.value[:3]) == [cbor2.dumps({1: -7, 4: KEY.public.kid}, canonical=True), {}, b"{}"]
    with pytest.raises(InputError, match="protected"):  # its key id is not signed, and ours has to be
        read_sign1(bytes.fromhex(RFC_SIGN1))


@given(_STATEMENTS)
def test_there_and_back(statement: Statement) -> None:
    signed = read_statement(write_statement(statement, KEY))
    assert signed.statement == statement
    assert signed.kid == KEY.public.kid
    signed.check(KEY.public)


def test_the_same_statement_is_the_same_text() -> None:
    assert write_statement(STATEMENT, KEY) == write_statement(STATEMENT, KEY)


def test_it_is_read_from_an_address_as_from_itself() -> None:
    assert read_statement(url_of(STATEMENT, KEY)).statement == STATEMENT
    with pytest.raises(InputError, match="no statement"):
        read_statement("https://vault.example/v#t=Qk3xZ0s8b2Yt4uW6aA9dF7")
    with pytest.raises(InputError, match="no statement"):
        read_statement(url_of(STATEMENT, KEY) + "&s=A")


def test_another_library_reads_the_claims() -> None:
    inflated = zlib.decompress(base45.decode(write_statement(STATEMENT, KEY)), -15)
    claims = cbor2.loads(cbor2.loads(inflated).value[2])
    assert claims[6] == int(STATEMENT.as_of.timestamp())
    certificate = claims[-65537]
    assert certificate[2] == "食品经营许可证"
    assert certificate[8] - certificate[7] == (date(2031, 11, 22) - date(2026, 11, 23)).days


# What readers have to find, and what was written of STATEMENT and LONGEST before there were origins.
PAYLOADS = {
    STATEMENT: (
        "a2061a6b03f2803a00010000a901582935acaa42aaf1e81ec9787e93f244fac5c8efe7062022929fa319b7d13247bef9cd19"
        "23426d6184d72d0275e9a39fe59381e7bb8fe890a5e8aeb8e58fafe8af8103781ee6a0b7e4be8be5b882e5b882e59cbae79b"
        "91e79da3e7aea1e79086e5b1800470e6a0b7e4be8b2a2a2a2ae585ace58fb80619512c0719512c0819584d094c0001020304"
        "05060708090a0b0b00"
    ),
    LONGEST: (
        "a2061a6b03f2803a00010000aa01582935acaa42aaf1e81ec9787e93f244fac5c8efe7062022929fa319b7d13247bef9cd19"
        "23426d6184d72d02782ae4b88de58aa8e4baa7e799bbe8aeb0e4bfa1e681afe69fa5e8afa2e7bb93e69e9ce4b893e794a8e8"
        "af81037824e6a0b7e4be8be5b882e4babae58a9be8b584e6ba90e5928ce7a4bee4bc9ae4bf9de99a9c0475e6a8a3e4be8be6"
        "a8a3e4be8be6a8a3e4be8be6a8a3051927100619512c0719512c0819584d094c000102030405060708090a0b0b00"
    ),
}


@pytest.mark.parametrize("statement", PAYLOADS, ids=["usual", "longest"])
def test_what_was_born_sealed_is_stated_as_it_always_was(statement: Statement) -> None:
    assert _payload(statement).hex() == PAYLOADS[statement]


@pytest.mark.parametrize(
    ("origin", "code"),
    [(OriginKind.TYPESET_ANEW, 1), (OriginKind.SCAN_ATTESTED, 2), (OriginKind.SCAN_UNVERIFIED, 3)],
)
def test_another_origin_takes_two_bytes(origin: OriginKind, code: int) -> None:
    born, other = _payload(STATEMENT), _payload(replace(STATEMENT, origin=origin))
    # One entry more in the map of claims, at its end: its number and its value.
    assert other == born.replace(b"\x3a\x00\x01\x00\x00\xa9", b"\x3a\x00\x01\x00\x00\xaa") + bytes([12, code])


def _payload(statement: Statement) -> bytes:
    return read_sign1(zlib.decompress(base45.decode(write_statement(statement, KEY)), -15)).payload


def test_no_byte_of_it_may_change() -> None:
    signed = zlib.decompress(base45.decode(write_statement(STATEMENT, KEY)), -15)
    for place in range(len(signed)):
        for bit in range(8):
            changed = bytearray(signed)
            changed[place] ^= 1 << bit
            with pytest.raises((InputError, SignatureError)):
                read_statement(_packed(bytes(changed))).check(KEY.public)


@given(st.data())
def test_no_character_of_its_text_may_change_what_it_says(data: st.DataObject) -> None:
    text = write_statement(STATEMENT, KEY)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from(base45.ALPHABET)) + text[place + 1 :]
    try:
        signed = read_statement(changed)
        signed.check(KEY.public)
    except (InputError, SignatureError):
        return
    assert signed.statement == STATEMENT  # deflate has more than one way to say the same


@given(st.text(max_size=60) | st.text(alphabet=base45.ALPHABET, max_size=400))
def test_any_text_is_refused_as_input(text: str) -> None:
    with pytest.raises(InputError):
        read_statement(text)


def test_another_key_has_not_signed_it() -> None:
    with pytest.raises(SignatureError):
        read_statement(write_statement(STATEMENT, KEY)).check(statement_key().public)


def test_a_point_that_is_on_no_curve_has_signed_nothing() -> None:
    with pytest.raises(SignatureError):
        read_statement(write_statement(STATEMENT, KEY)).check(StatementPublicKey(bytes(32), bytes(32)))


def test_a_bomb_is_not_inflated() -> None:
    bomb = zlib.compressobj(9, wbits=-15)
    content = bomb.compress(bytes(600_000)) + bomb.flush()
    assert len(base45.encode(content)) < 1200
    with pytest.raises(InputError, match=f"at most {STATEMENT_MAX_BYTES} bytes"):
        read_statement(base45.encode(content))
    with pytest.raises(InputError, match="at most 1200 characters"):
        read_statement("A" * 1201)


@pytest.mark.parametrize(
    "change", [lambda c: c + b"\x00", lambda c: c[:-1], lambda _: b"\xff", lambda _: b""]
)
def test_bytes_around_the_deflated_are_refused(change: Callable[[bytes], bytes]) -> None:
    content = base45.decode(write_statement(STATEMENT, KEY))
    with pytest.raises(InputError, match="deflated"):
        read_statement(base45.encode(change(content)))


def _packed(signed: bytes) -> str:
    deflate = zlib.compressobj(9, wbits=-15)
    return base45.encode(deflate.compress(signed) + deflate.flush())


def _claims() -> dict[int, Any]:
    inflated = zlib.decompress(base45.decode(write_statement(STATEMENT, KEY)), -15)
    claims: dict[int, Any] = cbor2.loads(cbor2.loads(inflated).value[2])
    return claims


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        ({1: b"\x01"}, "identifier"),
        ({1: b"\x00" + b"\x01" * 40}, "identifier"),
        ({1: "text"}, "bytes as claim 1"),
        ({2: 5}, "text of one line as claim 2"),
        ({2: "证\x1b[2J"}, "text of one line as claim 2"),
        ({3: "局\x9b2J"}, "text of one line as claim 3"),
        ({4: "张\u202e某"}, "text of one line as claim 4"),
        ({4: "张\u2028某"}, "text of one line as claim 4"),
        ({5: -1}, "number in its range as claim 5"),
        ({6: 10**9}, "beyond the year 9999"),
        ({6: b""}, "number in its range as claim 6"),
        ({11: 7}, "number in its range as claim 11"),
        ({9: b"short"}, "12 bytes of a digest"),
        ({10: b"both"}, "one digest"),
        ({12: 0}, "number in its range as claim 12"),  # born sealed is said by saying nothing
        ({12: 4}, "number in its range as claim 12"),
        ({12: -1}, "number in its range as claim 12"),
        ({12: b"\x01"}, "number in its range as claim 12"),
        ({12: "scan_attested"}, "number in its range as claim 12"),
        ({13: 1}, "newer reader"),
    ],
)
def test_claims_that_are_none_are_refused(certificate: dict[int, Any], why: str) -> None:
    claims = _claims()
    claims[-65537] |= certificate
    with pytest.raises(InputError, match=why):
        read_statement(_packed(sign1(KEY, cbor.encode(claims))))


@pytest.mark.parametrize(
    ("claims", "why"),
    [({}, "its time"), ({6: 1}, "its time"), ({6: 2**63, -65537: _claims()[-65537]}, "beyond the year")],
)
def test_a_payload_without_time_or_certificate_is_refused(claims: dict[int, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_statement(_packed(sign1(KEY, cbor.encode(claims))))


def test_the_last_moment_is_one_in_china() -> None:
    """From 16:00 UTC on the year is 10000 there, and no reader could be told."""
    last = datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC)
    read = read_statement(write_statement(replace(STATEMENT, as_of=last), KEY)).statement
    assert status_line(read, last).startswith("Status as of 9999-12-31 23:59 in China")
    for late in (timedelta(seconds=1), timedelta(hours=7, minutes=59)):
        with pytest.raises(InputError, match="beyond the year 9999"):
            read_statement(write_statement(replace(STATEMENT, as_of=last + late), KEY))


def test_another_algorithm_header_or_tag_is_refused() -> None:
    protected, kid = cbor.encode({1: -7, 4: KEY.public.kid}), KEY.public.kid
    others: list[cbor.Cbor] = [
        Tagged(17, [protected, {}, b"", bytes(64)]),
        Tagged(18, [protected, {4: kid}, b"", bytes(64)]),
        Tagged(18, [protected, {}, b"", bytes(63)]),
        Tagged(18, [cbor.encode({1: -8, 4: kid}), {}, b"", bytes(64)]),
        Tagged(18, [cbor.encode({1: -7}), {}, b"", bytes(64)]),
        Tagged(18, [cbor.encode({1: -7, 4: kid, 5: 1}), {}, b"", bytes(64)]),
        [protected, {}, b"", bytes(64)],
    ]
    for other in others:
        with pytest.raises(InputError):
            read_sign1(cbor.encode(other))


def test_the_longest_statement_prints_at_thirty_millimetres() -> None:
    assert len((LONGEST.type_name + LONGEST.authority_name).encode()) == NAMES_MAX_BYTES
    assert len(LONGEST.holder.encode()) == HOLDER_MAX_BYTES
    text = in_fragment(write_statement(replace(LONGEST, origin=OriginKind.SCAN_UNVERIFIED), KEY))
    address = "https://" + "v" * 48
    assert len(qr_modules(f"{address}/v#t={'Q' * 22}&s={text}")) <= SIDE_MAX_MODULES
    assert len(write_statement(STATEMENT, KEY)) <= 410


def test_names_that_do_not_fit_are_clipped() -> None:
    assert clipped("样例市", 9) == "样例市"
    assert clipped("样例市民", 9) == "样例…"
    assert clipped("abc", 3) == "abc"
    assert stated_names("证" * 20, "局" * 6) == ("证" * 20, "局" * 6)
    assert stated_names("证" * 30, "局" * 30) == ("证" * 12 + "…", "局" * 12 + "…")


def test_names_are_stated_on_one_line() -> None:
    type_name, authority_name = stated_names("证\x1b[2J", "局\n二")
    assert (type_name, authority_name) == ("证 [2J", "局 二")
    statement = replace(STATEMENT, type_name=type_name, authority_name=authority_name)
    assert read_statement(write_statement(statement, KEY)).statement == statement
