"""Seals: ours as the standard has them, everybody's read to the byte, what is no seal refused by its rule."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import core, parser

from signing import der
from signing.keys import SignatureAlgorithm
from signing.ses import Extension, Picture, SealInfo, make_seal, read_seal, require_in_force, require_listed
from signing.ses.structure import PICTURE_MAX_BYTES, SEAL_MAX_BYTES
from tests.signing.ses import asn1
from tests.signing.ses.openssl import OpensslKey
from tests.signing.ses.samples import (
    AT,
    EXTENSION,
    FROM,
    NAME,
    NUMBER,
    PICTURE,
    UNTIL,
    info_of,
    picture,
    property_of,
    seal_info,
    seal_v1,
    sealed,
)
from vault.errors import InputError, SignatureError

_NAMES = {2: "INT", 3: "BIT", 4: "OCTET", 6: "OID", 12: "UTF8", 22: "IA5", 24: "GT"}


def shape(content: bytes) -> str:
    """Types and nothing else, nested."""
    class_, method, tag, _, inside, _ = parser.parse(content)
    if not method:
        return _NAMES[tag]
    found = []
    while inside:
        size = sum(map(len, parser.parse(inside)[3:]))
        found.append(shape(inside[:size]))
        inside = inside[size:]
    return f"{'SEQ' if class_ == 0 else f'[{tag}]'}{{{' '.join(found)}}}"


def test_a_seal_has_the_shape_that_real_ones_have(signer: OpensslKey, maker: OpensslKey) -> None:
    """A whole SESeal that another implementation took, by types (the project's notes on the standards)."""
    info = (
        "SEQ{SEQ{IA5 INT IA5} IA5 SEQ{INT UTF8 INT SEQ{OCTET} GT GT GT} SEQ{IA5 OCTET INT INT}}"  # SealInfo
    )
    assert shape(make_seal(info_of(signer), maker)) == f"SEQ{{{info} OCTET OID BIT}}"


def test_a_seal_is_what_another_encoder_makes_of_the_same(signer: OpensslKey, maker: OpensslKey) -> None:
    extensions = (Extension(EXTENSION["extn_id"], critical=False, value=EXTENSION["extn_value"]),)
    ours = read_seal(make_seal(info_of(signer, vendor="SOMEBODY", extensions=extensions), maker))
    assert ours.info == seal_info(signer, ext_datas=[EXTENSION])
    assert ours.encoded == sealed(ours.info, maker, signature=ours.maker_signature)


def test_what_is_made_is_read_back(signer: OpensslKey, maker: OpensslKey) -> None:
    content = make_seal(info_of(signer, kind=15), maker)
    seal = read_seal(content)
    assert (seal.version, seal.vendor, seal.es_id, seal.kind, seal.name) == (4, "CERTVAULT", NUMBER, 15, NAME)
    assert (seal.created_at, seal.valid_from, seal.valid_to) == (AT, FROM, UNTIL)
    assert (seal.picture, seal.certificates, seal.digests, seal.extensions) == (
        PICTURE,
        (signer.certificate,),
        (),
        (),
    )
    assert (seal.maker_certificate, seal.maker_algorithm) == (maker.certificate, asn1.SM2_SM3)
    assert seal.encoded == content


def test_the_maker_signs_the_information_alone(signer: OpensslKey, maker: OpensslKey) -> None:
    content = make_seal(info_of(signer), maker)
    seal = read_seal(content)
    assert seal.signed == seal.info
    assert seal.info in content
    assert maker.verifies(seal.signed, seal.maker_signature)
    assert not signer.verifies(seal.signed, seal.maker_signature)


def test_times_are_cut_to_the_second(signer: OpensslKey, maker: OpensslKey) -> None:
    late = AT + timedelta(microseconds=999_999)
    assert read_seal(make_seal(info_of(signer, created_at=late), maker)).created_at == AT


def test_a_v1_seal_is_signed_over_three_values(signer: OpensslKey, maker: OpensslKey) -> None:
    seal = read_seal(seal_v1(signer, maker))
    assert (seal.version, seal.valid_to, seal.picture.kind) == (1, UNTIL, "PNG")
    assert seal.extensions == (Extension("1.2.156.10197.6.7.2.2.1", critical=False, value=b"vendor"),)
    assert maker.verifies(seal.signed, seal.maker_signature)
    assert not maker.verifies(seal.info, seal.maker_signature)


def test_a_v5_seal_may_have_a_time_stamp(signer: OpensslKey, maker: OpensslKey) -> None:
    info = seal_info(signer, number=5)
    assert read_seal(sealed(info, maker)).time_stamp is None
    seal = read_seal(sealed(info, maker, time_stamp=b"a token"))
    assert (seal.version, seal.time_stamp, seal.info) == (5, b"a token", info)
    assert maker.verifies(seal.signed, seal.maker_signature)


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.parametrize("critical", [None, False, True])
def test_extensions_are_read_however_they_are_written(
    signer: OpensslKey, maker: OpensslKey, *, critical: bool | None, tagged: bool
) -> None:
    said = {**EXTENSION, "critical": critical}
    if critical is None:
        del said["critical"]
    info = seal_info(signer, tagged=tagged, ext_datas=[said])
    (extension,) = read_seal(sealed(info, maker)).extensions
    assert (extension.oid, extension.critical) == (EXTENSION["extn_id"], bool(critical))


def test_false_is_written_out(signer: OpensslKey, maker: OpensslKey) -> None:
    extension = Extension("1.2.3", critical=False, value=b"x")
    content = make_seal(info_of(signer, extensions=(extension,)), maker)
    assert b"\x06\x02\x2a\x03\x01\x01\x00\x04\x01x" in content
    assert read_seal(content).extensions == (extension,)


@pytest.mark.parametrize("name", ["SM3", "sm3", "1.2.156.10197.1.401"])
def test_a_list_of_digests_names_a_signer(
    signer: OpensslKey, maker: OpensslKey, stranger: OpensslKey, name: str
) -> None:
    digest = hashlib.new("sm3", signer.certificate).digest()
    listed = asn1.Digests([{"type": name, "value": digest}])
    said = property_of(signer, cert_list_type=2, cert_list=listed)
    seal = read_seal(sealed(seal_info(signer, property=said), maker))
    assert (seal.certificates, [each.value for each in seal.digests]) == ((), [digest])
    require_listed(seal, signer.certificate)
    with pytest.raises(SignatureError, match="certList") as raised:
        require_listed(seal, stranger.certificate)
    assert raised.value.reason == "signer-not-listed"


def test_a_digest_of_another_name_names_nobody(signer: OpensslKey, maker: OpensslKey) -> None:
    digest = hashlib.new("sm3", signer.certificate).digest()
    listed = asn1.Digests([{"type": "SHA-256", "value": digest}])
    said = property_of(signer, cert_list_type=2, cert_list=listed)
    with pytest.raises(SignatureError, match="certList"):
        require_listed(read_seal(sealed(seal_info(signer, property=said), maker)), signer.certificate)


def test_a_seal_is_valid_from_its_first_second_to_its_last(signer: OpensslKey, maker: OpensslKey) -> None:
    seal = read_seal(make_seal(info_of(signer), maker))
    second = timedelta(seconds=1)
    for at in (FROM, AT, UNTIL, UNTIL + timedelta(microseconds=1)):
        require_in_force(seal, at)
    for at in (FROM - second, UNTIL + second):
        with pytest.raises(SignatureError, match="valid from 2026-11-22T04:05:06Z") as raised:
            require_in_force(seal, at)
        assert raised.value.reason == "seal-not-valid"


def test_a_raw_signature_is_kept_as_it_is(signer: OpensslKey, maker: OpensslKey) -> None:
    raw = bytes(range(64))
    assert read_seal(sealed(seal_info(signer), maker, signature=raw)).maker_signature == raw


def longer_length(content: bytes) -> bytes:
    """The outer length in one octet more than it needs."""
    element = der.read(content)
    octets = len(element.content).to_bytes(4, "big")
    return b"\x30\x84" + octets + element.content


BREAKINGS: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "nothing": (lambda _: b"", "no header", "not-der"),
    "trailing": (lambda c: c + b"\0", "left over", "not-der"),
    "cut": (lambda c: c[:-1], "are left", "not-der"),
    "longer length": (longer_length, "shortest form", "not-der"),
    "indefinite": (lambda c: b"\x30\x80" + c[4:] + b"\0\0", "indefinite", "not-der"),
    "a set": (lambda c: b"\x31" + c[1:], "expected SEQUENCE, got SET", "ses-shape"),
    "too large": (lambda c: c + bytes(SEAL_MAX_BYTES), "at most 2097152 bytes", "ses-size"),
    "not a seal": (lambda _: der.sequence(der.integer(1)), "2 values|2 to 5", "ses-shape"),
    "six values": (lambda c: der.sequence(der.read(c).content, *[der.NULL] * 2), "more than 5", "not-der"),
    "trailing in a certificate": (
        lambda c: _with_part(c, 1, der.octet_string(_part(c, 1).content + b"\0")),
        "left over",
        "not-der",
    ),
    "a certificate that is none": (
        lambda c: _with_part(c, 1, der.octet_string(der.integer(1))),
        "maker's certificate: expected SEQUENCE",
        "ses-shape",
    ),
    "unused bits": (
        lambda c: _with_part(c, 3, der.tlv(der.BIT_STRING, b"\x01", bytes(8))),
        "without unused bits",
        "ses-shape",
    ),
    "a time-stamp in V4": (
        lambda c: der.sequence(der.read(c).content, der.tlv(der.context(0), der.bit_string(b"x"))),
        "4 values, got 5",
        "ses-shape",
    ),
    "an OID that ends in the middle": (
        lambda c: _with_part(c, 2, der.tlv(der.OBJECT_IDENTIFIER, b"\x2a\x81")),
        "ends with an arc",
        "ses-shape",
    ),
    "an OID with a leading zero": (
        lambda c: _with_part(c, 2, der.tlv(der.OBJECT_IDENTIFIER, b"\x2a\x80\x01")),
        "begins with zero",
        "not-der",
    ),
}


def _part(content: bytes, index: int) -> der.Element:
    return der.read(content).children()[index]


def _with_part(content: bytes, index: int, part: bytes) -> bytes:
    parts = [each.encoded for each in der.read(content).children()]
    return der.sequence(*parts[:index], part, *parts[index + 1 :])


@pytest.mark.parametrize("name", BREAKINGS)
def test_what_is_no_seal_is_refused_by_its_rule(signer: OpensslKey, maker: OpensslKey, name: str) -> None:
    breaking, match, reason = BREAKINGS[name]
    content = breaking(sealed(seal_info(signer), maker))
    with pytest.raises(SignatureError, match=match) as raised:
        read_seal(content)
    assert raised.value.reason == reason


Said = Callable[[OpensslKey], dict[str, Any]]
ODD: dict[str, tuple[Said, str, str]] = {
    "another header": (
        lambda _: {"header": {"id": "XX", "version": 4, "vid": "V"}},
        "header ID: expected ES",
        "ses-shape",
    ),
    "V1 in V4's shape": (
        lambda _: {"header": {"id": "ES", "version": 1, "vid": "V"}},
        r"built as GB/T 38540 \(V4\) says and calls itself version 1",
        "ses-version",
    ),
    "a version of the future": (
        lambda _: {"header": {"id": "ES", "version": 6, "vid": "V"}},
        "calls itself version 6",
        "ses-version",
    ),
    "an endless number": (
        lambda _: {"header": {"id": "ES", "version": 1 << 80, "vid": "V"}},
        "1 to 8 octets, got 11",
        "ses-shape",
    ),
    "no number": (lambda _: {"es_id": ""}, "1 to 128 bytes, got 0", "ses-shape"),
    "control characters": (lambda s: {"property": property_of(s, name="a\nb")}, "control", "ses-shape"),
    "a third kind of list": (lambda s: {"property": property_of(s, cert_list_type=3)}, "got 3", "ses-shape"),
    "certificates called digests": (
        lambda s: {"property": property_of(s, cert_list_type=2)},
        "digest: expected SEQUENCE, got OCTET STRING",
        "ses-shape",
    ),
    "nobody listed": (
        lambda s: {"property": property_of(s, cert_list=asn1.Certificates([]))},
        "1 to 64 values, got 0",
        "ses-shape",
    ),
    "too many listed": (
        lambda s: {"property": property_of(s, cert_list=asn1.Certificates([s.certificate] * 65))},
        "more than 64",
        "not-der",
    ),
    "an end before the beginning": (
        lambda s: {"property": property_of(s, valid_end=FROM - timedelta(days=1))},
        "end after its beginning",
        "ses-shape",
    ),
    "no width": (lambda _: {"picture": picture(width=0)}, "width: expected 1 to 200 mm, got 0", "ses-shape"),
    "too wide": (lambda _: {"picture": picture(width=201)}, "got 201", "ses-shape"),
    "less than nothing": (lambda _: {"picture": picture(height=-42)}, "height: .* got -42", "ses-shape"),
    "no picture": (lambda _: {"picture": picture(data=b"")}, "Picture: expected 1 to", "ses-shape"),
    "a huge picture": (
        lambda _: {"picture": picture(data=bytes(PICTURE_MAX_BYTES + 1))},
        f"Picture: expected 1 to {PICTURE_MAX_BYTES} bytes, got {PICTURE_MAX_BYTES + 1}",
        "ses-shape",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_a_seal_that_says_something_odd_is_refused(signer: OpensslKey, maker: OpensslKey, name: str) -> None:
    said, match, reason = ODD[name]
    content = sealed(seal_info(signer, **said(signer)), maker, signature=b"\0" * 64)
    with pytest.raises(SignatureError, match=match) as raised:
        read_seal(content)
    assert raised.value.reason == reason


BROKEN_VALUES = {
    "a BOOLEAN of 01": (b"\x01\x01\x00", b"\x01\x01\x01", "neither 00 nor FF"),
    "a time without Z": (b"20261123040506Z", b"20261123040506+", "YYYYMMDDhhmmssZ"),
    "a day that is none": (b"20261123040506Z", b"20260230040506Z", "a time that exists"),
    "bad UTF-8": (NAME.encode()[:3], b"\xff\xfe\xfd", "UTF-8"),
    "Latin in IA5": (b"SOMEBODY", b"S\xd6MEBODY", "printable ASCII"),
    "another string type": (b"\x16\x02ES", b"\x0c\x02ES", "expected IA5String, got UTF8String"),
}


@pytest.mark.parametrize("name", BROKEN_VALUES)
def test_a_value_that_is_not_der_is_refused(signer: OpensslKey, maker: OpensslKey, name: str) -> None:
    before, after, match = BROKEN_VALUES[name]
    content = sealed(seal_info(signer, ext_datas=[EXTENSION]), maker)
    assert len(before) == len(after)
    assert before in content
    with pytest.raises(SignatureError, match=match):
        read_seal(content.replace(before, after, 1))


def test_a_number_with_a_leading_zero_is_refused(signer: OpensslKey) -> None:
    """42 mm in two octets: lengths around it change, so it is built by hand."""
    info = [each.encoded for each in der.read(seal_info(signer)).children()]
    parts = [each.encoded for each in der.read(info[3]).children()]
    info[3] = der.sequence(*parts[:3], b"\x02\x02\x00\x2a")
    content = der.sequence(
        der.sequence(*info),
        der.octet_string(signer.certificate),
        der.oid(asn1.SM2_SM3),
        der.bit_string(bytes(64)),
    )
    with pytest.raises(SignatureError, match="shortest form"):
        read_seal(content)


def test_a_v4_seal_in_the_old_shape_is_refused(signer: OpensslKey, maker: OpensslKey) -> None:
    with pytest.raises(SignatureError, match=r"built as GM/T 0031-2014 \(V1\) says") as raised:
        read_seal(seal_v1(signer, maker, number=4))
    assert raised.value.reason == "ses-version"


def test_a_v1_seal_with_a_generalized_time_is_refused(signer: OpensslKey, maker: OpensslKey) -> None:
    content = seal_v1(signer, maker)
    year = b"\x17\x0d" + f"{AT:%y%m%d%H%M%S}Z".encode()
    assert year in content
    with pytest.raises(SignatureError, match="expected UTCTime"):
        read_seal(content.replace(year, b"\x18" + year[1:]))


UNMAKEABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a Chinese number": ({"es_id": "九九"}, "ASCII"),
    "no name": ({"name": ""}, "Seal name: expected 1 to 600 bytes, got 0"),
    "a long name": ({"name": "样" * 201}, "got 603"),
    "nobody listed": ({"certificates": ()}, "1 to 64 values, got 0"),
    "no certificate listed": ({"certificates": (b"rubbish",)}, "Listed certificate|DER"),
    "a huge picture": ({"picture": Picture("png", bytes(PICTURE_MAX_BYTES + 1), 42, 42)}, "Picture"),
    "too wide": ({"picture": Picture("png", b"x", 300, 42)}, "1 to 200 mm, got 300"),
    "an end before the beginning": ({"valid_to": FROM - timedelta(days=1)}, "end after its beginning"),
}


@pytest.mark.parametrize("name", UNMAKEABLE)
def test_a_seal_that_we_would_not_read_is_not_made(signer: OpensslKey, maker: OpensslKey, name: str) -> None:
    other, match = UNMAKEABLE[name]
    info: SealInfo = info_of(signer, **other)
    with pytest.raises(InputError, match=match):
        make_seal(info, maker)


def test_a_maker_without_sm2_makes_none(signer: OpensslKey, maker: OpensslKey) -> None:
    other = OpensslKey(maker.folder, maker.certificate, algorithm=SignatureAlgorithm.ECDSA_P256_SHA256)
    with pytest.raises(InputError, match="not with ecdsa-p256-sha256"):
        make_seal(info_of(signer), other)


def test_asn1crypto_reads_ours_and_writes_it_again(signer: OpensslKey, maker: OpensslKey) -> None:
    content = make_seal(info_of(signer), maker)
    seal = asn1.Seal.load(content, strict=True)
    assert seal["info"].parse(asn1.SealInfo)["property"]["name"].native == NAME
    assert (
        asn1.SealInfo.load(read_seal(content).info, strict=True).dump(force=True) == read_seal(content).info
    )
    assert core.load(content).dump() == content
