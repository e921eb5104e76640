"""Keys of national seals: opened with their certificates, and refused where they do not belong together."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing import cms, sm2
from signing.keys import SealingKey, SignatureAlgorithm, load_file_key
from signing.national.sealing_key import load_national_key
from signing.trust import issue_seal_certificate
from tests.signing.national.workshop import (
    CA,
    LEAF,
    NOW,
    ORGANISATION,
    PASSPHRASE,
    USCC,
    NationalWorkshop,
    Party,
    issue,
    new_national_workshop,
    usage,
)
from tests.signing.sm2.test_signatures import DISTID, openssl
from tests.signing.workshop import PASSPHRASE as PDF_PASSPHRASE
from tests.signing.workshop import Workshop, tiny_pdf
from vault.errors import InputError, SignatureError


def test_a_key_signs_for_its_certificate(national: NationalWorkshop) -> None:
    key: SealingKey = national.key
    assert key.algorithm is SignatureAlgorithm.SM2_SM3
    assert key.certificate == national.signer.der
    assert key.chain == (national.issuing.der, national.root.der)
    signature = key.sign(b"what is signed")
    assert len(signature) <= key.signature_size_max_bytes
    sm2.verify(national.signer.public_key, b"what is signed", signature)
    assert {key: "a key of a dictionary"}[national.key]


def test_a_real_ones_files_are_taken(national: NationalWorkshop, tmp_path: Path) -> None:
    """A key and a certificate as an authority hands them out: all of it by openssl, but the CA's own."""
    openssl(tmp_path, "genpkey -algorithm SM2 -aes-256-cbc -pass pass:secret -out key.pem")
    (tmp_path / "ca.pem").write_bytes(national.authority.issuing.certificate_pem)
    ca_key = sm2.load_key(national.authority.issuing.key_pem, PASSPHRASE)
    (tmp_path / "ca.key").write_bytes(sm2.key_pem(ca_key, b"secret"))
    (tmp_path / "extensions").write_text("keyUsage=critical,digitalSignature")
    openssl(
        tmp_path,
        f"req -new -key key.pem -passin pass:secret -sm3 -sigopt {DISTID} -subj /C=CN/O=Sample -out request",
    )
    openssl(
        tmp_path,
        f"x509 -req -in request -vfyopt {DISTID} -CA ca.pem -CAkey ca.key -passin pass:secret -sm3 "
        f"-sigopt {DISTID} -extfile extensions -days 30 -out seal.pem",
    )
    chain = (tmp_path / "seal.pem").read_bytes() + national.authority.chain_pem
    taken = load_national_key((tmp_path / "key.pem").read_bytes(), b"secret", chain)
    assert len(taken.chain) == 2
    assert taken.sign(b"message")


def refused(key_pem: bytes, certificate_pem: bytes, passphrase: bytes = PASSPHRASE) -> str:
    with pytest.raises(SignatureError) as caught:
        load_national_key(key_pem, passphrase, certificate_pem)
    return caught.value.reason


def test_what_does_not_belong_together_is_refused(national: NationalWorkshop) -> None:
    own, other = national.issued, issue(national.authority)
    leaf = national.signer.parsed.public_bytes(Encoding.PEM)
    root = national.authority.root.certificate_pem
    assert refused(own.key_pem, other.certificate_pem) == "key-mismatch"
    assert refused(own.key_pem, leaf + root) == "key-mismatch", "a link is missing"
    assert refused(own.key_pem, leaf + other.certificate_pem) == "key-mismatch", "another leaf is no issuer"
    impostor = new_national_workshop().authority.issuing.certificate_pem
    assert refused(own.key_pem, leaf + impostor) == "key-mismatch", "the same name and another key"
    assert load_national_key(own.key_pem, PASSPHRASE, leaf).chain == ()


def test_an_issuer_is_told_by_its_name_as_well_as_by_its_key() -> None:
    party, authority = Party("seal"), Party("authority")
    renamed = Party("another name", authority.key)
    leaf = authority.certifies(party, LEAF, usage("digital_signature")).parsed.public_bytes(Encoding.PEM)
    key_pem = sm2.key_pem(party.key, PASSPHRASE)
    own, other = (one.certifies(one, CA).parsed.public_bytes(Encoding.PEM) for one in (authority, renamed))
    assert len(load_national_key(key_pem, PASSPHRASE, leaf + own).chain) == 1
    assert refused(key_pem, leaf + other) == "key-mismatch"


def test_what_cannot_be_read_is_refused(national: NationalWorkshop) -> None:
    own = national.issued
    assert refused(own.key_pem, own.certificate_pem, b"wrong") == "key-unreadable"
    assert refused(b"no key", own.certificate_pem) == "key-unreadable"
    assert refused(own.key_pem, b"no certificate") == "key-unreadable"
    assert refused(own.key_pem, own.certificate_pem[:200]) == "key-unreadable"


def test_keys_of_another_kind_are_refused(national: NationalWorkshop, workshop: Workshop) -> None:
    foreign = issue_seal_certificate(
        workshop.authority,
        PDF_PASSPHRASE,
        organisation=ORGANISATION,
        uscc=USCC,
        algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
        passphrase=PASSPHRASE,
        at=NOW,
    )
    assert refused(foreign.key_pem, foreign.certificate_pem) == "key-unsuitable"
    assert refused(national.issued.key_pem, foreign.certificate_pem) == "key-unsuitable"
    authority = national.authority.issuing
    assert refused(authority.key_pem, national.authority.chain_pem) == "key-unsuitable", "a CA seals nothing"


def test_the_enciphering_one_of_a_pair_is_refused() -> None:
    party = Party("seal")
    enciphers = Party("authority").certifies(party, LEAF, usage("key_encipherment", "key_agreement"))
    key_pem = sm2.key_pem(party.key, PASSPHRASE)
    assert refused(key_pem, enciphers.parsed.public_bytes(Encoding.PEM)) == "key-unsuitable"


def test_no_pdf_is_sealed_with_it(national: NationalWorkshop, workshop: Workshop) -> None:
    with pytest.raises(SignatureError, match="signs with sm2-sm3 seals no PDF") as caught:
        cms.prepare(national.key)
    assert caught.value.reason == "key-unsuitable"
    keys = {SignatureAlgorithm.SM2_SM3: national.key}
    sealing = Workshop(workshop.authority, keys, workshop.tsa)  # type: ignore[arg-type]  # the key that is refused
    with pytest.raises(SignatureError, match="seals no PDF"):
        sealing.seal(tiny_pdf(), algorithm=SignatureAlgorithm.SM2_SM3)


@pytest.mark.parametrize("kind", [SignatureAlgorithm.ECDSA_P256_SHA256, SignatureAlgorithm.RSA_PKCS1_SHA256])
def test_another_key_does_not_sign_as_sm2(kind: SignatureAlgorithm, workshop: Workshop) -> None:
    def issued(algorithm: SignatureAlgorithm) -> tuple[bytes, bytes]:
        made = issue_seal_certificate(
            workshop.authority,
            PDF_PASSPHRASE,
            organisation=ORGANISATION,
            uscc=USCC,
            algorithm=algorithm,
            passphrase=PASSPHRASE,
            at=NOW,
        )
        return made.key_pem, made.certificate_pem

    key_pem, certificate_pem = issued(kind)
    with pytest.raises(SignatureError, match="cannot sign with sm2-sm3"):
        load_file_key(key_pem, PASSPHRASE, certificate_pem, algorithm=SignatureAlgorithm.SM2_SM3)
    with pytest.raises(InputError, match="the national one does"):
        issued(SignatureAlgorithm.SM2_SM3)
