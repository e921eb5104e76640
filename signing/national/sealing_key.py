"""SM2 keys that sign national seals: opened from encrypted files, checked against their certificates."""

from dataclasses import dataclass, field
from itertools import pairwise

from signing import sm2
from signing.judge.sm2 import check_signed_by
from signing.keys import SignatureAlgorithm
from signing.national.certificates import NationalCertificate, read_pem
from vault.errors import SignatureError


@dataclass(frozen=True, slots=True)
class NationalSealingKey:
    """An SM2 key in an engine's memory, with its certificates."""

    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    private_key: sm2.PrivateKey = field(repr=False)
    algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3

    @property
    def signature_size_max_bytes(self) -> int:
        """The longest value that `sign` returns."""
        return sm2.SIGNATURE_MAX_BYTES

    def sign(self, message: bytes) -> bytes:
        """Hash with SM3 and the standard user id, and sign: DER SEQUENCE { r, s }."""
        return sm2.sign(self.private_key, message)


def load_national_key(key_pem: bytes, passphrase: bytes, certificate_pem: bytes) -> NationalSealingKey:
    """Open an encrypted PKCS#8 key of SM2 and check that the certificates fit it.

    `certificate_pem`: the signer's certificate first, then its issuers in order; the root may be left out.
    1. open the key, whose halves are checked; 2. the first certificate is its own; 3. that certificate is for
    signing: a licensed authority gives out two, and the other one enciphers; 4. each is followed by its
    issuer. Whether the chain is trusted and in force, `signing.national.path` says.

    Raises:
        SignatureError: wrong passphrase, unreadable key or certificates (`key-unreadable`), a key or
            certificate of another kind (`key-unsuitable`), or a certificate or issuer that does not fit
            (`key-mismatch`).
    """
    private_key = sm2.load_key(key_pem, passphrase)  # 1
    first, *issuers = _read(certificate_pem)
    if first.public_key != private_key.public_key:  # 2
        raise SignatureError(
            "The first certificate is not the sealing key's own: their public keys differ.",
            reason="key-mismatch",
        )
    if first.is_ca or not first.may_sign:  # 3
        raise SignatureError(
            "The first certificate is not one for signatures: expected the signing one of the pair.",
            reason="key-unsuitable",
        )
    for subject, issuer in pairwise([first, *issuers]):  # 4
        _check_issued(subject, issuer)
    return NationalSealingKey(first.der, tuple(issuer.der for issuer in issuers), private_key)


def _read(certificate_pem: bytes) -> tuple[NationalCertificate, ...]:
    try:
        return read_pem(certificate_pem)
    except SignatureError as error:
        kind = "key-unsuitable" if error.reason == "CRYPTO_CONSTRAINTS_FAILURE" else "key-unreadable"
        raise SignatureError(error.detail, reason=kind) from error


def _check_issued(subject: NationalCertificate, issuer: NationalCertificate) -> None:
    """Names meet, and the signature holds."""
    broken = SignatureError(
        "The sealing certificate's chain is broken: each certificate must be followed by its issuer.",
        reason="key-mismatch",
    )
    if subject.parsed.issuer != issuer.parsed.subject:
        raise broken
    try:
        check_signed_by(issuer.parsed, subject.parsed)
    except SignatureError as error:
        raise broken from error
