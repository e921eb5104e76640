"""What a seal signs: prepared once, checked by `openssl` over the sliced bytes, and every version read."""

import hashlib
from datetime import timedelta

import pytest

from signing import der, sm2
from signing.keys import SignatureAlgorithm
from signing.ses import make_seal, read_seal, read_ses, sign_ses
from signing.ses.structure import SIGNED_MAX_BYTES
from tests.signing.ses import asn1
from tests.signing.ses.openssl import OpensslKey
from tests.signing.ses.samples import (
    AT,
    DIGEST,
    PATH,
    UNTIL,
    info_of,
    seal_info,
    seal_v1,
    sealed,
    signed,
    signed_v1,
)
from tests.signing.ses.test_seals import shape
from vault.errors import InputError, SignatureError, Unavailable


@pytest.fixture(scope="module")
def seal(signer: OpensslKey, maker: OpensslKey) -> bytes:
    return make_seal(info_of(signer), maker)


def test_a_signature_has_the_shape_that_real_ones_have(seal: bytes, signer: OpensslKey) -> None:
    made = sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT)
    assert shape(made) == f"SEQ{{SEQ{{INT {shape(seal)} GT BIT IA5}} OCTET OID BIT}}"
    stamped = sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT, stamp=lambda _: b"token")
    assert shape(stamped) == f"SEQ{{SEQ{{INT {shape(seal)} GT BIT IA5}} OCTET OID BIT [0]{{BIT}}}}"


def test_what_is_signed_is_read_back_to_the_byte(seal: bytes, signer: OpensslKey) -> None:
    late = AT + timedelta(microseconds=1)
    content = sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=late)
    read = read_ses(content)
    assert (read.version, read.signed_at, read.data_hash, read.property_info) == (4, AT, DIGEST, PATH)
    assert (read.seal, read.read_seal) == (seal, read_seal(seal))
    assert (read.certificate, read.algorithm, read.time_stamp) == (signer.certificate, asn1.SM2_SM3, None)
    assert read.tbs in content
    assert signer.verifies(read.tbs, read.signature)
    assert not signer.verifies(read.tbs + b"\0", read.signature)


def test_our_own_sm2_agrees(seal: bytes, signer: OpensslKey) -> None:
    read = read_ses(sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT))
    public = signer.certificate[(at := signer.certificate.index(b"\x03\x42\x00\x04") + 3) : at + 65]
    sm2.verify(public, read.tbs, read.signature)
    with pytest.raises(SignatureError):
        sm2.verify(public, read.tbs[:-1], read.signature)


def test_another_encoder_makes_the_same_of_the_same(seal: bytes, signer: OpensslKey) -> None:
    ours = read_ses(sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT, stamp=lambda _: b"t"))
    theirs = asn1.Signature.load(signed(seal, signer, stamp=b"t"), strict=True)
    tbs = theirs["tbs"].parse(asn1.Tbs)
    del tbs["ext_datas"]
    assert tbs.dump(force=True) == ours.tbs


def test_the_stamp_is_over_the_signature_value(seal: bytes, signer: OpensslKey) -> None:
    content = sign_ses(
        seal, signer, data_hash=DIGEST, property_info=PATH, at=AT, stamp=lambda value: b"over " + value
    )
    read = read_ses(content)
    assert read.time_stamp == b"over " + read.signature


def test_a_stamp_that_fails_seals_nothing(seal: bytes, signer: OpensslKey) -> None:
    def fails(_: bytes) -> bytes:
        raise Unavailable("no time-stamp")

    with pytest.raises(Unavailable):
        sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT, stamp=fails)


def test_nobody_seals_who_is_not_listed(seal: bytes, stranger: OpensslKey) -> None:
    with pytest.raises(SignatureError, match="certList") as raised:
        sign_ses(seal, stranger, data_hash=DIGEST, property_info=PATH, at=AT)
    assert raised.value.reason == "signer-not-listed"


def test_nothing_is_sealed_after_the_seals_end(seal: bytes, signer: OpensslKey) -> None:
    with pytest.raises(SignatureError, match="valid from") as raised:
        sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=UNTIL + timedelta(seconds=1))
    assert raised.value.reason == "seal-not-valid"


def test_nothing_is_sealed_with_an_old_seal(signer: OpensslKey, maker: OpensslKey) -> None:
    for old in (seal_v1(signer, maker), sealed(seal_info(signer, number=5), maker)):
        with pytest.raises(SignatureError, match="seals of version 4") as raised:
            sign_ses(old, signer, data_hash=DIGEST, property_info=PATH, at=AT)
        assert raised.value.reason == "ses-version"


def test_a_digest_or_path_that_is_none_is_refused(seal: bytes, signer: OpensslKey) -> None:
    with pytest.raises(InputError, match="32 bytes, got 20"):
        sign_ses(seal, signer, data_hash=bytes(20), property_info=PATH, at=AT)
    for path in ("", "/证照/Signature.xml", "/" * 1025):
        with pytest.raises(InputError, match="path"):
            sign_ses(seal, signer, data_hash=DIGEST, property_info=path, at=AT)


def test_a_key_of_another_kind_seals_nothing(seal: bytes, signer: OpensslKey) -> None:
    other = OpensslKey(signer.folder, signer.certificate, algorithm=SignatureAlgorithm.RSA_PSS_SHA256)
    with pytest.raises(InputError, match="not with rsa-pss-sha256"):
        sign_ses(seal, other, data_hash=DIGEST, property_info=PATH, at=AT)


@pytest.mark.parametrize("number", [4, 5])
def test_v4_and_v5_are_read(signer: OpensslKey, maker: OpensslKey, number: int) -> None:
    content = signed(sealed(seal_info(signer, number=number), maker), signer, number=number, stamp=b"token")
    read = read_ses(content)
    assert (read.version, read.read_seal.version, read.time_stamp) == (number, number, b"token")
    assert [(each.oid, each.critical) for each in read.extensions] == [("1.2.156.10197.6.7.2.2.1", False)]
    assert signer.verifies(read.tbs, read.signature)
    assert maker.verifies(read.read_seal.signed, read.read_seal.maker_signature)


UTC_TIME = der.tlv(der.UTC_TIME, f"{AT:%y%m%d%H%M%S}Z".encode())


@pytest.mark.parametrize(
    ("time_info", "told"), [(UTC_TIME, AT), (b"2026-11-23 12:05:06", None), (b"\x30\x03\x02\x01\x00", None)]
)
def test_v1_is_read_whatever_its_time_is(
    signer: OpensslKey, maker: OpensslKey, time_info: bytes, told: object
) -> None:
    read = read_ses(signed_v1(seal_v1(signer, maker), signer, time_info=time_info))
    assert (read.version, read.signed_at, read.time_info, read.data_hash) == (1, told, time_info, DIGEST)
    assert signer.verifies(read.tbs, read.signature)


def test_a_raw_signature_is_read_and_checks(seal: bytes, signer: OpensslKey) -> None:
    content = sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT)
    tbs, certificate, algorithm, value = (each.encoded for each in der.read(content).children())
    numbers = der.read(read_ses(content).signature).children()
    raw = b"".join(der.read_integer(number).to_bytes(32, "big") for number in numbers)
    read = read_ses(der.sequence(tbs, certificate, algorithm, der.bit_string(raw)))
    assert read.signature == raw
    public = signer.certificate[(at := signer.certificate.index(b"\x03\x42\x00\x04") + 3) : at + 65]
    sm2.verify(public, read.tbs, raw)
    assert value != der.bit_string(raw)


def test_a_seal_of_another_version_inside_is_refused(signer: OpensslKey, maker: OpensslKey) -> None:
    """A V1 signature has no certificate list's rules to keep: nobody may bring a V4 seal down to them."""
    old, new = seal_v1(signer, maker), sealed(seal_info(signer), maker)
    mixtures = (
        signed_v1(new, signer, time_info=UTC_TIME),
        signed(old, signer),
        signed(old, signer, number=1),
        signed(new, signer, number=5),
        signed(sealed(seal_info(signer, number=5), maker), signer),
        signed_v1(old, signer, time_info=UTC_TIME, number=4),
    )
    for content in mixtures:
        with pytest.raises(SignatureError, match="Signature version") as raised:
            read_ses(content)
        assert raised.value.reason == "ses-version"


def test_three_values_are_no_signature(seal: bytes, signer: OpensslKey) -> None:
    content = sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT)
    parts = [each.encoded for each in der.read(content).children()]
    with pytest.raises(SignatureError, match="2, 4 or 5 values, got 3"):
        read_ses(der.sequence(*parts[:3]))
    with pytest.raises(SignatureError, match="expected \\[0\\], got BIT STRING"):
        read_ses(der.sequence(*parts, parts[3]))


def test_a_large_signature_is_not_looked_at() -> None:
    with pytest.raises(SignatureError, match="at most") as raised:
        read_ses(bytes(SIGNED_MAX_BYTES + 1))
    assert raised.value.reason == "ses-size"


def test_no_cut_and_no_byte_behind_goes_unseen(seal: bytes, signer: OpensslKey) -> None:
    content = sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT)
    for end in range(len(content)):
        with pytest.raises(SignatureError):
            read_ses(content[:end])
    with pytest.raises(SignatureError, match="left over"):
        read_ses(content + b"\0")


def test_a_changed_byte_is_refused_or_stands_in_a_slice(seal: bytes, signer: OpensslKey) -> None:
    """Whatever is taken, what was signed is a slice of what was received: nothing is mended."""
    content = sign_ses(seal, signer, data_hash=DIGEST, property_info=PATH, at=AT)
    taken = 0
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x01
        try:
            read = read_ses(bytes(changed))
        except SignatureError:
            continue
        taken += 1
        slices = (read.tbs, read.seal, read.read_seal.info, read.signature, read.certificate)
        assert all(each in changed for each in slices)
        assert changed.count(read.tbs) == 1
    assert taken > len(content) // 2


def test_a_seal_prepared_once_serves_many(seal: bytes, signer: OpensslKey) -> None:
    first, second = (
        read_ses(sign_ses(seal, signer, data_hash=digest, property_info=PATH, at=AT))
        for digest in (DIGEST, hashlib.new("sm3", b"other").digest())
    )
    assert first.seal == second.seal == seal
    assert first.data_hash != second.data_hash
