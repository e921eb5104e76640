"""What a reservation gives a result: its identifier, after the version before it, and its codes."""

import base64
import secrets
from datetime import datetime

from storage.db import WriteConnection
from storage.predecessors import Predecessor, highest_version, lock_predecessor
from storage.reservations import Counted, ReservationRow
from vault.errors import Conflict, FieldProblem, InputError
from vault.model.certificate import ApprovalResult, Status
from vault.model.identifier import CertificateIdentifier
from vault.model.ids import uuid7
from vault.model.lifecycle import Action, Forbidden, outcome

# Digits and capitals without those that are read for one another on paper (0/O, 1/I/L, U/V).
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARS = 10  # 49 bits, and only good together with the certificate's number
KEY_BYTES = 32  # of a record's data key, whatever the suite
TOKEN_BYTES = 16  # 128 bits: nobody guesses a QR
SERIAL_CHARS = 20  # 流水号: random, so that identifiers tell nothing about holders or volumes
SERIAL_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def reserve_identifier(
    db: WriteConnection, position: int, result: ApprovalResult, counted: Counted, at: datetime
) -> ReservationRow:
    """An identifier that was never given before: of a new certificate, or of the next version of one.

    `counted`: the seal-use grants and the legal day that its use counts on.

    Raises:
        InputError, Conflict: as `check_predecessor`.
    """
    predecessor = check_predecessor(db, position, result)
    if predecessor is None:
        serial = random_text(SERIAL_ALPHABET, SERIAL_CHARS)
    else:
        serial = CertificateIdentifier.parse(predecessor.identifier).serial
    lineage = f"{result.type_code}.{result.issuing_authority}.{serial}"
    # Versions that other tries reserved and never committed stay unused: an identifier is never given twice.
    version = 1 if predecessor is None else highest_version(db, lineage) + 1
    identifier = CertificateIdentifier(result.type_code, result.issuing_authority, serial, version)
    return ReservationRow(uuid7(at), position, str(identifier), lineage, version, counted)


def check_predecessor(db: WriteConnection, position: int, result: ApprovalResult) -> Predecessor | None:
    """Locks what a result supersedes, so that versions are given out one after the other.

    Raises:
        InputError: what it supersedes is not there or not of its kind.
        Conflict: it is no longer one that can be superseded.
    """
    if result.supersedes is None:
        return None
    pointer = f"/results/{position}/supersedes"
    old = lock_predecessor(db, result.supersedes)
    if old is None or old.issuing_authority != result.issuing_authority:
        raise InputError.at(pointer, "There is no such certificate of this authority.")
    if old.type_code != result.type_code:
        raise InputError.at(pointer, "A certificate is superseded by one of its own type.")
    possible = outcome(Status(old.status), Action.SUPERSEDE)
    if isinstance(possible, Forbidden):
        problem = FieldProblem(pointer, possible.why)
        raise Conflict("The certificate to supersede is no longer one that can be.", problem)
    if old.announced:
        problem = FieldProblem(pointer, "A version that begins later is deposited already: act on that one.")
        raise Conflict("The certificate has its successor already.", problem)
    return old


def new_codes() -> dict[str, str]:
    """Verification code, QR token and data key of one result."""
    code = random_text(CODE_ALPHABET, CODE_CHARS)
    token = base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
    return {"code": code, "token": token, "key": new_key()}


def random_text(alphabet: str, chars: int) -> str:
    """Characters of an alphabet of at most 256, each as likely as any other; the system is asked once."""
    fair = 256 - 256 % len(alphabet)  # octets from there on would favour the alphabet's first characters
    found: list[str] = []
    while len(found) < chars:
        found += (alphabet[octet % len(alphabet)] for octet in secrets.token_bytes(2 * chars) if octet < fair)
    return "".join(found[:chars])


def new_key() -> str:
    """A record's data key, as the case's envelope keeps it for the retries."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
