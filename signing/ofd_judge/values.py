"""O6: what stands in SignedValue.dat, read strictly, and whether it is over this Signature.xml.

Two kinds: SES_Signature of a seal (GB/T 38540), and SignedData of a bare signature (GB/T 35275).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from signing.judge.findings import Findings, SubIndication, failure
from signing.ofd_judge.declared import Declared, Kind
from signing.ofd_judge.digests import SM3_NAMES
from signing.ofd_judge.locations import joined
from signing.ofd_judge.names import shown
from signing.ofd_judge.package import Package
from signing.ses import (
    ReadSeal,
    ReadSesSignature,
    ReadSignedData,
    read_gbt35275,
    read_ses,
    require_in_force,
    require_listed,
)
from signing.sm2 import sm3, verify
from vault.errors import SignatureError

V1 = 1
_OURS = frozenset(each.value for each in SubIndication)
# SM2 with SM3, as GB/T 38540 names it, and SM2 as GB/T 35275 does
_SM2_NAMES = frozenset({"1.2.156.10197.1.501", "1.2.156.10197.1.301.1", "1.2.156.10197.1.301"})


@dataclass(frozen=True, slots=True)
class SignedValue:
    """What both kinds have. `signed`: the bytes under `signature`; `claimed_at`: when it says it was made.

    `seal`: None of a bare signature. `certificates`: such as came along, the signer's among them.
    """

    certificate: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    claimed_at: datetime | None
    seal: ReadSeal | None
    time_stamp: bytes | None = field(repr=False)
    ses: ReadSesSignature | None = field(repr=False)
    bare: ReadSignedData | None = field(repr=False)


def read_value(findings: Findings, package: Package, declared: Declared) -> SignedValue:
    """The signature value that a Signature.xml names, by the kind that it says it is.

    Raises:
        SignatureError: UNREADABLE: it is not there, no DER without anything behind it, or of another shape;
            SIG_CONSTRAINTS_FAILURE: its versions contradict each other, or it has a critical extension;
            CRYPTO_CONSTRAINTS_FAILURE: it is by another algorithm than SM2 with SM3.
    """
    name = None if declared.listed is None else declared.listed.value
    if name is None:
        raise failure(SubIndication.UNREADABLE, "The signature's SignedValue is not in the package.")
    encoded = package.files[name]
    with _in_our_words():
        value = _sealed(encoded) if declared.kind is Kind.SEAL else _bare(encoded, declared)
    if value.ses is not None:
        _check_extensions(value.ses)
    if value.seal is not None and value.seal.version == V1:
        findings.undecided(
            "signed_value",
            "A seal of GM/T 0031-2014 (V1), which GB/T 38540 has replaced: read, and never taken for proof.",
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
        )
    else:
        said = (
            "a bare signature (GB/T 35275)"
            if value.seal is None
            else f"a seal of version {value.seal.version}"
        )
        findings.passed("signed_value", f"It is {said}, DER to the last byte.")
    return value


def check_data_hash(value: SignedValue, declared: Declared) -> None:
    """What was signed is this Signature.xml, as it is stored.

    Raises:
        SignatureError: HASH_FAILURE.
    """
    digest = sm3(declared.xml)
    if value.ses is not None:
        fits = value.ses.data_hash == digest
    elif value.bare is not None and value.bare.message_digest is not None:
        # With attributes, these are signed: their digest is of the content, which is the digest or left out
        of = value.bare.message_digest
        fits = (value.bare.content == digest and of == sm3(digest)) or (
            value.bare.content in {None, digest} and of == digest
        )
    else:
        bare = value.bare
        fits = bare is not None and bare.content == digest and bare.signed == bare.content
    if not fits:
        raise failure(
            SubIndication.HASH_FAILURE,
            "What was signed is another Signature.xml than the one in the package.",
        )


def check_property_info(value: SignedValue, declared: Declared) -> None:
    """It was made for the place where it stands.

    Raises:
        SignatureError: SIG_CONSTRAINTS_FAILURE: propertyInfo names another Signature.xml.
    """
    said = "" if value.ses is None else value.ses.property_info
    if joined("", said) != declared.path:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE, f"It was made for {shown(said)}, not for /{declared.path}."
        )


def check_signature(value: SignedValue, public_key: bytes) -> None:
    """The signer's SM2 value, over the received bytes.

    Raises:
        SignatureError: SIG_CRYPTO_FAILURE, or CRYPTO_CONSTRAINTS_FAILURE for a key that is none.
    """
    verify(public_key, value.signed, value.signature)


def check_maker(seal: ReadSeal, maker_key: bytes) -> None:
    """The seal is as its maker made it: picture, name, validity, and whose certificates are in it.

    Raises:
        SignatureError: SIG_CRYPTO_FAILURE, CRYPTO_CONSTRAINTS_FAILURE.
    """
    _check_algorithm(seal.maker_algorithm)
    verify(maker_key, seal.signed, seal.maker_signature)


def check_copy(package: Package, declared: Declared, seal: ReadSeal) -> str:
    """Seal.esl, whose picture readers show, is the seal that signed; a sentence.

    Raises:
        SignatureError: HASH_FAILURE: it is another seal; SIG_CONSTRAINTS_FAILURE: it is gone.
    """
    listed = declared.listed
    if listed is None or not listed.declares_seal:
        return "The package carries no copy of the seal beside the signature."
    if listed.seal is None:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE, "The Seal.esl that it names is not in the package."
        )
    if package.files[listed.seal] != seal.encoded:
        raise failure(SubIndication.HASH_FAILURE, "Seal.esl is another seal than the one that signed.")
    return "Seal.esl is the seal that signed."


def check_signers(seal: ReadSeal, certificate: bytes) -> None:
    """Who signed may use the seal: its list has the certificate, byte for byte or by SM3.

    Raises:
        SignatureError: SIG_CONSTRAINTS_FAILURE.
    """
    with _in_our_words():
        require_listed(seal, certificate)


def check_validity(seal: ReadSeal, claimed_at: datetime | None) -> None:
    """The seal's own validity covers the time of sealing.

    Raises:
        SignatureError: SIG_CONSTRAINTS_FAILURE: it does not; OUT_OF_BOUNDS_NO_POE: no time is told.
    """
    if claimed_at is None:
        raise failure(SubIndication.OUT_OF_BOUNDS_NO_POE, "The seal says no time at which it was used.")
    with _in_our_words():
        require_in_force(seal, claimed_at)


def _sealed(encoded: bytes) -> SignedValue:
    ses = read_ses(encoded)
    _check_algorithm(ses.algorithm)
    return SignedValue(
        certificate=ses.certificate,
        certificates=(ses.certificate,),
        signed=ses.tbs,
        signature=ses.signature,
        claimed_at=ses.signed_at,
        seal=ses.read_seal,
        time_stamp=ses.time_stamp,
        ses=ses,
        bare=None,
    )


def _bare(encoded: bytes, declared: Declared) -> SignedValue:
    bare = read_gbt35275(encoded)
    _check_algorithm(bare.signature_algorithm)
    if bare.digest_algorithm not in SM3_NAMES:
        raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"Its digest is by {bare.digest_algorithm}.")
    if bare.certificate is None or bare.signed is None:
        raise failure(
            SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "The signature carries no certificate of its own."
        )
    return SignedValue(
        certificate=bare.certificate,
        certificates=bare.certificates,
        signed=bare.signed,
        signature=bare.signature,
        claimed_at=bare.signed_at or (None if declared.listed is None else declared.listed.claimed_at),
        seal=None,
        time_stamp=None,
        ses=None,
        bare=bare,
    )


def _check_extensions(ses: ReadSesSignature) -> None:
    """No vendor's extension is known here; those that may be passed over say so."""
    critical = [each.oid for each in (*ses.extensions, *ses.read_seal.extensions) if each.critical]
    if critical:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"It has the critical extension {shown(critical[0])}, which is not understood.",
        )


def _check_algorithm(oid: str) -> None:
    if oid not in _SM2_NAMES:
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"It is signed by {oid}; SM2 with SM3 is taken."
        )


@contextmanager
def _in_our_words() -> Iterator[None]:
    """The seal's own errors as sub-indications: what cannot be read is no proof of tampering."""
    try:
        yield
    except SignatureError as error:
        if error.reason in _OURS:
            raise
        unread = error.reason in {"not-der", "ses-shape", "ses-size"}
        reason = SubIndication.UNREADABLE if unread else SubIndication.SIG_CONSTRAINTS_FAILURE
        raise failure(reason, error.detail) from error
