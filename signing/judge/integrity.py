"""Whether a signature still fits its bytes: byte range, digest, signature value; never whose it is."""

import pikepdf

from signing.judge.findings import FATAL, SubIndication, failure
from signing.judge.message import (
    SignedMessage,
    load_certificate,
    named_signer,
    read_message,
    verify_signature,
)
from signing.judge.ranges import CoveredBytes, covered_bytes
from vault.errors import SignatureError


# How the value is packed (ISO 32000-2, table 260; ETSI EN 319 142-1, clause 5.3): those with a detached CMS
_SUBFILTERS = frozenset({"/ETSI.CAdES.detached", "/adbe.pkcs7.detached"})


def check_form(message: SignedMessage, subfilter: str) -> None:
    """V4: a detached signature over a document, which names the digest of what it signs.

    One signer, signed attributes and the digests allowed are `read_message`'s to see to.

    Raises:
        SignatureError: not detached, not over a document or without its digest (FORMAT_FAILURE); packed in a
            way that others may take and we do not (SIG_CONSTRAINTS_FAILURE).
    """
    if message.content is not None or message.content_type != "data":
        raise failure(SubIndication.FORMAT_FAILURE, "The signature is not detached.")
    if message.native("content_type") != "data":
        raise failure(SubIndication.FORMAT_FAILURE, "The signature's content-type is not that of a document.")
    if not isinstance(message.native("message_digest"), bytes):
        raise failure(SubIndication.FORMAT_FAILURE, "The signature does not say of which digest it is.")
    if subfilter not in _SUBFILTERS:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE, "The signature is of a kind that is not judged here."
        )


def check_digest(message: SignedMessage, covered: CoveredBytes) -> None:
    """Compare the digest that was signed with that of the covered bytes.

    Raises:
        SignatureError: another digest (HASH_FAILURE).
    """
    if message.native("message_digest") != message.digest(covered.joined()):
        raise failure(
            SubIndication.HASH_FAILURE, "The file was changed: its digest is not the one that was sealed."
        )


def broken_because(document: bytes, signature: pikepdf.Object) -> str | None:
    """Why a signature made by others is broken, in a sentence; None when it is whole, or cannot be decided.

    Undecided is what our own rules for seals do not accept but others may: SHA-1, another curve, SM2.
    Certificates are not judged.
    """
    try:
        covered = covered_bytes(document, signature)
        message = read_message(covered.value)
        check_form(message, str(signature.get("/SubFilter", "")))
        check_digest(message, covered)
        signer = named_signer(message)
        if signer is not None:
            verify_signature(message, load_certificate(signer))
    except SignatureError as error:
        return error.detail if SubIndication(error.reason) in FATAL else None
    return None
