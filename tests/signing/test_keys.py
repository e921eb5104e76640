"""Sealing keys: what is loaded signs, and what does not fit is told."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from signing.keys import SignatureAlgorithm, load_file_key
from signing.trust import ROOT_NAME, issue_seal_certificate, new_development_authority
from tests.signing.workshop import NOW, PASSPHRASE, Workshop
from vault.errors import SignatureError

WEAK_BITS = 1024


def issue(workshop: Workshop, algorithm: SignatureAlgorithm) -> tuple[bytes, bytes]:
    issued = issue_seal_certificate(
        workshop.authority,
        PASSPHRASE,
        organisation="样例市教育局",
        uscc="91350100M000100Y43",
        algorithm=algorithm,
        passphrase=b"its own",
        at=NOW,
    )
    return issued.key_pem, issued.certificate_pem


def test_a_loaded_key_signs(algorithm: SignatureAlgorithm, workshop: Workshop) -> None:
    key_pem, certificate_pem = issue(workshop, algorithm)
    assert b"ENCRYPTED" in key_pem
    key = load_file_key(key_pem, b"its own", certificate_pem, algorithm=algorithm)
    assert key.algorithm is algorithm
    signature = key.sign(b"message")
    assert len(signature) <= key.signature_size_max_bytes
    public = x509.load_der_x509_certificate(key.certificate).public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, b"message", ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        scheme = pss if algorithm is SignatureAlgorithm.RSA_PSS_SHA256 else padding.PKCS1v15()
        public.verify(signature, b"message", scheme, hashes.SHA256())


@pytest.mark.parametrize(
    ("made_for", "usual"),
    [
        (SignatureAlgorithm.ECDSA_P256_SHA256, SignatureAlgorithm.ECDSA_P256_SHA256),
        (SignatureAlgorithm.RSA_PSS_SHA256, SignatureAlgorithm.RSA_PKCS1_SHA256),
    ],
)
def test_the_usual_algorithm_of_a_key(
    made_for: SignatureAlgorithm, usual: SignatureAlgorithm, workshop: Workshop
) -> None:
    key_pem, certificate_pem = issue(workshop, made_for)
    assert load_file_key(key_pem, b"its own", certificate_pem).algorithm is usual


def test_chain_is_kept_and_put_into_the_seal(workshop: Workshop) -> None:
    key_pem, certificate_pem = issue(workshop, SignatureAlgorithm.ECDSA_P256_SHA256)
    key = load_file_key(key_pem, b"its own", certificate_pem + workshop.authority.certificate_pem)
    assert key.chain == (workshop.root,)


def test_what_does_not_fit_is_told(workshop: Workshop) -> None:
    key_pem, certificate_pem = issue(workshop, SignatureAlgorithm.ECDSA_P256_SHA256)
    _, other_pem = issue(workshop, SignatureAlgorithm.ECDSA_P256_SHA256)
    stranger = new_development_authority(passphrase=PASSPHRASE, at=NOW)
    weak = rsa.generate_private_key(65537, WEAK_BITS).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"its own")
    )
    wrong_curve = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"its own")
    )
    rsa_wanted = SignatureAlgorithm.RSA_PKCS1_SHA256
    for arguments, algorithm, reason in (
        ((key_pem, b"wrong", certificate_pem), None, "key-unreadable"),
        ((b"rubbish", b"its own", certificate_pem), None, "key-unreadable"),
        ((key_pem, b"its own", b"rubbish"), None, "key-unreadable"),
        ((key_pem, b"its own", certificate_pem), rsa_wanted, "key-unsuitable"),
        ((weak, b"its own", certificate_pem), None, "key-unsuitable"),
        ((wrong_curve, b"its own", certificate_pem), None, "key-unsuitable"),
        ((key_pem, b"its own", other_pem), None, "key-mismatch"),
        ((key_pem, b"its own", certificate_pem + stranger.certificate_pem), None, "key-mismatch"),
    ):
        with pytest.raises(SignatureError) as caught:
            load_file_key(*arguments, algorithm=algorithm)
        assert caught.value.reason == reason


def test_nobody_takes_the_development_root_for_a_real_one(workshop: Workshop) -> None:
    root = x509.load_der_x509_certificate(workshop.root)
    assert ROOT_NAME in root.subject.rfc4514_string()
    assert "not for production" in ROOT_NAME
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_secrets_are_not_shown(workshop: Workshop) -> None:
    key = next(iter(workshop.keys.values()))
    assert "private_key" not in repr(key)
    assert "PRIVATE" not in repr(workshop.authority)
