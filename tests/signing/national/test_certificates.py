"""Certificates of SM2 are read to their end, ours and openssl's, and others are told by name."""

from datetime import UTC, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives.serialization import Encoding

from signing.national.certificates import CERTIFICATE_MAX_BYTES, CERTIFICATES_MAX, read_certificate, read_pem
from tests.signing.national.workshop import (
    LEAF,
    NOW,
    ORGANISATION,
    USCC,
    NationalWorkshop,
    Party,
    new_national_workshop,
    usage,
)
from tests.signing.sm2.test_signatures import DISTID, openssl
from tests.signing.workshop import Workshop
from vault.errors import SignatureError

SAMPLE = new_national_workshop().key.certificate


def test_a_signers_certificate_says_whose_it_is(national: NationalWorkshop) -> None:
    read = national.signer
    assert (read.organisation, read.organisation_code) == (ORGANISATION, USCC)
    assert read.subject.startswith(f"CN={ORGANISATION},")
    assert "development national seals" in read.issuer
    assert read.public_key == national.key.private_key.public_key
    assert read.key_usage == frozenset({"digital_signature", "content_commitment"})
    assert (read.is_ca, read.may_sign) == (False, True)
    assert read.not_before < NOW < read.not_after
    assert read.not_before.tzinfo is UTC
    assert read.serial > 0
    assert (national.root.is_ca, national.issuing.is_ca) == (True, True)
    assert not national.root.may_sign


def test_openssls_certificate_is_read(tmp_path: Path) -> None:
    openssl(tmp_path, "genpkey -algorithm SM2 -out key.pem")
    openssl(tmp_path, f"req -x509 -key key.pem -sm3 -sigopt {DISTID} -subj /O=Sample/CN=Seal -out c.pem")
    openssl(tmp_path, "pkey -in key.pem -pubout -outform DER -out public.der")
    (read,) = read_pem((tmp_path / "c.pem").read_bytes())
    assert (tmp_path / "public.der").read_bytes().endswith(read.public_key)
    assert (read.organisation, read.organisation_code, read.key_usage) == ("Sample", None, None)
    assert read.may_sign


def test_openssl_verifies_our_certificates_link_by_link(national: NationalWorkshop, tmp_path: Path) -> None:
    links = [
        (national.root, national.root),
        (national.issuing, national.root),
        (national.signer, national.issuing),
    ]
    for subject, issuer in links:
        (tmp_path / "signature").write_bytes(subject.parsed.signature)
        (tmp_path / "signed").write_bytes(subject.parsed.tbs_certificate_bytes)
        (tmp_path / "issuer.pem").write_bytes(issuer.parsed.public_bytes(Encoding.PEM))
        openssl(tmp_path, "x509 -in issuer.pem -pubkey -noout -out public.pem")
        openssl(tmp_path, f"dgst -sm3 -sigopt {DISTID} -verify public.pem -signature signature signed")
    # The distinguishing id reaches the leaf alone, so openssl checks one link at a time
    (tmp_path / "ca.pem").write_bytes(national.issuing.parsed.public_bytes(Encoding.PEM))
    (tmp_path / "leaf.pem").write_bytes(national.signer.parsed.public_bytes(Encoding.PEM))
    openssl(
        tmp_path,
        f"verify -partial_chain -vfyopt {DISTID} -attime {NOW.timestamp():.0f} -CAfile ca.pem leaf.pem",
    )


def test_a_certificate_for_enciphering_may_not_sign() -> None:
    other = Party("authority").certifies(Party("seal"), LEAF, usage("key_encipherment", "key_agreement"))
    assert not other.may_sign


def test_other_certificates_are_refused_by_name(workshop: Workshop) -> None:
    for key in workshop.keys.values():  # P-256 and RSA
        with pytest.raises(SignatureError, match="none of SM2's") as caught:
            read_certificate(key.certificate)
        assert caught.value.reason == "CRYPTO_CONSTRAINTS_FAILURE"


def test_a_key_that_is_no_point_is_refused() -> None:
    public_key = Party("x").key.public_key
    encoded = SAMPLE.replace(
        read_certificate(SAMPLE).public_key, public_key[:-1] + bytes((public_key[-1] ^ 1,))
    )
    assert encoded != SAMPLE
    with pytest.raises(SignatureError, match="no point") as caught:
        read_certificate(encoded)
    assert caught.value.reason == "CRYPTO_CONSTRAINTS_FAILURE"


BAD = {
    "nothing": b"",
    "trailing": SAMPLE + b"\0",
    "cut": SAMPLE[:-1],
    "too long": SAMPLE + bytes(CERTIFICATE_MAX_BYTES),
    "no certificate": b"\x30\x03\x02\x01\x01",
    "twice": SAMPLE * 2,
}


@pytest.mark.parametrize("encoded", BAD.values(), ids=BAD.keys())
def test_what_is_no_certificate_is_refused(encoded: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        read_certificate(encoded)
    assert caught.value.reason == "FORMAT_FAILURE"


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # that is not positive
def test_any_bit_may_be_changed_and_nothing_but_a_refusal_comes_of_it() -> None:
    read = 0
    for bit in range(8 * len(SAMPLE)):
        try:
            read_certificate(with_bit_changed(SAMPLE, bit))
        except SignatureError as error:
            assert error.reason in {"FORMAT_FAILURE", "CRYPTO_CONSTRAINTS_FAILURE"}  # noqa: PT017 - names and dates may change
        else:
            read += 1
    assert 0 < read < 8 * len(SAMPLE)


def with_bit_changed(octets: bytes, bit: int) -> bytes:
    """The octets with one bit turned round."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_file_of_certificates_is_read_in_order(national: NationalWorkshop) -> None:
    found = read_pem(national.issued.certificate_pem)
    assert [one.der for one in found] == [national.signer.der, national.issuing.der, national.root.der]
    one = pem.armor("CERTIFICATE", SAMPLE)
    for content in (b"", b"no PEM", one * (CERTIFICATES_MAX + 1), one + b" " * 2_000_000, one[:-40]):
        with pytest.raises(SignatureError) as caught:
            read_pem(content)
        assert caught.value.reason == "FORMAT_FAILURE"


def test_a_certificate_that_ends_after_2049_is_written_and_read() -> None:
    later = Party("a").certifies(Party("b"), validity=timedelta(days=365 * 40))
    assert later.not_after.year == (NOW + timedelta(days=365 * 40)).year
