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


def read_seal(covered: CoveredBytes, subfilter: str) -> SignedMessage:
    """V4: a detached signature over a document, by one signer, which names the digest of what it signs.

    What is whole in another way than ours may be whole for others: it is left undecided.

    Raises:
        SignatureError: not so (SIG_CONSTRAINTS_FAILURE), or as `read_message`.
    """
    if subfilter not in _SUBFILTERS:
        raise _not_ours("The signature is of a kind that is not judged here.")
    message = read_message(covered.value)
    if message.content is not None or message.content_type != "data":
        raise _not_ours("The signature is not detached.")
    if message.native("content_type") != "data":
        raise _not_ours("The signature's content-type is not that of a document.")
    if not isinstance(message.native("message_digest"), bytes):
        raise _not_ours("The signature does not say which digest it signed.")
    return message


def _not_ours(detail: str) -> SignatureError:
    return failure(SubIndication.SIG_CONSTRAINTS_FAILURE, detail)


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

    Undecided is what our own rules for seals do not accept but others may: SHA-1, another curve.
    Certificates are not judged.
    """
    try:
        covered = covered_bytes(document, signature)
        message = read_seal(covered, str(signature.get("/SubFilter", "")))
        check_digest(message, covered)
        signer = named_signer(message)
        if signer is not None:
            verify_signature(message, load_certificate(signer))
    except SignatureError as error:
        return error.detail if SubIndication(error.reason) in FATAL else None
    return None
