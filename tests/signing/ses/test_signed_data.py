"""The closing signature of GB/T 35275: ours, and what others write."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import core, x509

from signing import der
from signing.keys import SignatureAlgorithm
from signing.ses import read_gbt35275, sign_gbt35275
from signing.ses.gbt35275 import CMS_SIGNED_DATA, DATA, SIGNED_DATA
from tests.signing.ses import asn1
from tests.signing.ses.openssl import OpensslKey
from tests.signing.ses.samples import AT, DIGEST
from vault.errors import InputError, SignatureError

SM3, SM2 = "1.2.156.10197.1.401", "1.2.156.10197.1.301.1"


def now() -> datetime:
    return datetime.now(UTC)


def theirs(
    key: OpensslKey,
    *,
    content: bytes | None = DIGEST,
    attributes: list[dict[str, object]] | None = None,
    kind: str = SIGNED_DATA,
    certificates: bool = True,
) -> bytes:
    """A SignedData by the test's own encoder, signed by openssl."""
    certificate = x509.Certificate.load(key.certificate)
    signer = {
        "version": 1,
        "sid": {"issuer": core.load(certificate.issuer.dump()), "serial": certificate.serial_number},
        "digest_algorithm": {"algorithm": SM3},
        "signature_algorithm": {"algorithm": SM2},
    }
    message = content or b""
    if attributes is not None:
        signer["attributes"] = attributes
        message = asn1.Signer({**signer, "signature": b""})["attributes"].untag().dump()
    data = {
        "version": 1,
        "digest_algorithms": [{"algorithm": SM3}],
        "content": {"type": DATA} if content is None else {"type": DATA, "content": content},
        "signers": [{**signer, "signature": key.sign(message)}],
    }
    if certificates:
        data["certificates"] = [core.load(key.certificate)]
    encoded: bytes = asn1.ContentInfo({"type": kind, "content": data}).dump()
    return encoded


def test_the_digest_is_content_and_message(signer: OpensslKey) -> None:
    read = read_gbt35275(sign_gbt35275(signer, data_hash=DIGEST, at=now()))
    assert (read.content, read.signed, read.message_digest, read.signed_at) == (DIGEST, DIGEST, None, None)
    assert (read.digest_algorithm, read.signature_algorithm) == (SM3, SM2)
    assert (read.certificate, read.certificates) == (signer.certificate, (signer.certificate,))
    assert signer.verifies(DIGEST, read.signature)


def test_another_encoder_makes_the_same_of_the_same(signer: OpensslKey) -> None:
    ours = sign_gbt35275(signer, data_hash=DIGEST, at=now())
    loaded = asn1.ContentInfo.load(ours, strict=True)
    assert loaded["content"]["content"]["content"].native == DIGEST
    signature = read_gbt35275(ours).signature
    again = theirs(signer)
    assert ours == again.replace(read_gbt35275(again).signature, signature) or len(ours) != len(again)
    assert loaded.dump(force=True) == ours


def test_the_chain_goes_along(signer: OpensslKey, maker: OpensslKey) -> None:
    key = OpensslKey(signer.folder, signer.certificate, chain=(maker.certificate,))
    read = read_gbt35275(sign_gbt35275(key, data_hash=DIGEST, at=now()))
    assert set(read.certificates) == {signer.certificate, maker.certificate}
    assert read.certificate == signer.certificate


def attributes() -> list[dict[str, object]]:
    return [
        {"type": "content_type", "values": [DATA]},
        {"type": "signing_time", "values": [core.UTCTime(AT)]},
        {"type": "message_digest", "values": [DIGEST]},
    ]


@pytest.mark.parametrize("kind", [SIGNED_DATA, CMS_SIGNED_DATA])
def test_a_digest_in_attributes_is_read(signer: OpensslKey, kind: str) -> None:
    read = read_gbt35275(theirs(signer, content=None, attributes=attributes(), kind=kind))
    assert (read.content, read.message_digest, read.signed_at) == (None, DIGEST, AT)
    assert read.signed is not None
    assert signer.verifies(read.signed, read.signature)


def test_attributes_without_a_digest_are_refused(signer: OpensslKey) -> None:
    """They would be signed for any file: nothing in them says for which."""
    loose = [each for each in attributes() if each["type"] != "message_digest"]
    for content in (None, DIGEST):
        with pytest.raises(SignatureError, match="message digest"):
            read_gbt35275(theirs(signer, content=content, attributes=loose))


def test_a_signer_without_certificate_is_read(signer: OpensslKey) -> None:
    read = read_gbt35275(theirs(signer, certificates=False))
    assert (read.certificate, read.certificates) == (None, ())


def test_nothing_is_closed_outside_the_certificates_validity(signer: OpensslKey) -> None:
    for at in (now() + timedelta(days=31), now() - timedelta(days=1)):
        with pytest.raises(SignatureError, match="closing certificate") as raised:
            sign_gbt35275(signer, data_hash=DIGEST, at=at)
        assert raised.value.reason == "certificate-not-valid"


def test_a_wrong_digest_or_key_closes_nothing(signer: OpensslKey) -> None:
    with pytest.raises(InputError, match="got 20"):
        sign_gbt35275(signer, data_hash=bytes(20), at=now())
    other = OpensslKey(signer.folder, signer.certificate, algorithm=SignatureAlgorithm.ECDSA_P256_SHA256)
    with pytest.raises(InputError, match="not with ecdsa"):
        sign_gbt35275(other, data_hash=DIGEST, at=now())


def twice(key: OpensslKey) -> bytes:
    return theirs(key, content=None, attributes=[*attributes(), attributes()[2]])


def two_signers(key: OpensslKey) -> bytes:
    info = asn1.ContentInfo.load(theirs(key))
    info["content"]["signers"].append(info["content"]["signers"][0].copy())
    content: bytes = info.dump(force=True)
    return content


BAD: dict[str, tuple[Callable[[OpensslKey], bytes], str, str]] = {
    "trailing": (lambda k: theirs(k) + b"\0", "left over", "not-der"),
    "another type": (lambda k: theirs(k, kind="1.2.840.113549.1.7.1"), "signedData", "ses-shape"),
    "large": (lambda _: bytes(1 << 19), "at most 262144", "ses-size"),
    "nothing": (lambda _: b"", "no header", "not-der"),
    "an attribute twice": (twice, "twice", "ses-shape"),
    "two signers": (two_signers, "more than 1 values", "not-der"),
    "a number": (lambda _: der.integer(5), "expected SEQUENCE, got INTEGER", "ses-shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_signed_data_is_refused_by_its_rule(signer: OpensslKey, name: str) -> None:
    make, match, reason = BAD[name]
    content = make(signer)
    with pytest.raises(SignatureError, match=match) as raised:
        read_gbt35275(content)
    assert raised.value.reason == reason
