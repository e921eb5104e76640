"""Judging a statement with no network: against a trust list, and a file if there is one."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from signing.statement import SignedStatement, read_statement
from signing.trust_list import ListedKey, TrustList
from vault.errors import InputError, SignatureError
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import LEGAL_TIME, legal_day
from vault.model.statement import DIGEST_PREFIX_BYTES, DocumentMark, Statement
from vault.model.verdict import Check, CheckResult, origin_checks

# A new key is listed so long before it signs (vault.statement_ring): no younger list can lack one.
LIST_OLD = timedelta(days=30)
# Clocks of phones and servers differ.
CLOCKS_DIFFER = timedelta(minutes=5)
# A file is sealed once, signed and time-stamped a few times.
ENDS_MAX = 64
_END_MARK = b"%%EOF"
_BLANKS = b"\r\n \t\x00\x0c"
_BLANKS_MAX = 32


class OfflineVerdict(StrEnum):
    """What can be said without the vault."""

    GENUINE = "genuine"
    """The vault stated it, and it was in force: ask the vault what became of it since."""
    NOT_IN_FORCE = "not_in_force"
    NOT_PROVEN = "not_proven"
    """Its key is not one that the list has, or nothing is believed that it signed: ask the vault."""
    NOT_GENUINE = "not_genuine"


@dataclass(frozen=True, slots=True)
class OfflineReport:
    """What a statement says, and what of it is proved. `statement` None: it could not be read.

    `age`: how old it is; `list_age`: how old the list is. Both may be negative where clocks differ.
    """

    verdict: OfflineVerdict
    reason: str | None
    checks: tuple[Check, ...]
    statement: Statement | None = field(repr=False)
    age: timedelta | None
    list_age: timedelta


def judge_offline(
    text: str, trust: TrustList, *, at: datetime, document: bytes | None = None
) -> OfflineReport:
    """What a QR's text is worth at this time. `document`: the certificate's file, if there is one.

    1. the text is a statement; 2. its key is one of the list, good when it says that it was made; 3. the key
    signed it; 4. it is not from the future; 5. the file is the one that it states; 6. the certificate is in
    force as far as this can be told; 7. what its file is, where it was not sealed when it was issued; 8. the
    list is young enough; 9. the address is the vault's.
    """
    list_age = at - trust.made_at
    try:
        signed = read_statement(text)  # 1
    except InputError as error:
        check = Check("statement", CheckResult.FAILED, error.detail)
        return OfflineReport(OfflineVerdict.NOT_GENUINE, None, (check,), None, None, list_age)
    statement = signed.statement
    judged = [_key_check(trust.key(signed.kid), statement), _signature_check(trust.key(signed.kid), signed)]
    judged.append(_time_check(statement, at))  # 4
    if document is not None:
        judged.append(_document_check(statement.document, document))  # 5
    why = why_not_in_force(statement.status, None, statement.valid_from, statement.valid_to, on=legal_day(at))
    results = {check.result for check in judged}
    verdict, reason = OfflineVerdict.GENUINE, None
    if CheckResult.FAILED in results:
        verdict = OfflineVerdict.NOT_GENUINE
    elif CheckResult.UNKNOWN in results:
        verdict = OfflineVerdict.NOT_PROVEN
    elif why is not None:
        verdict, reason = OfflineVerdict.NOT_IN_FORCE, why.reason
    in_force = Check(
        "in_force",
        CheckResult.PASSED if why is None else CheckResult.FAILED,
        "It was in force then, and its dates include today." if why is None else why.sentence,
    )
    from_where = origin_checks(statement.origin)  # never part of the verdict: a copy is as genuine
    checks = (*judged, in_force, *from_where, _list_check(list_age), *_address_checks(text, trust))  # 6 to 9
    return OfflineReport(verdict, reason, checks, statement, at - statement.as_of, list_age)


def states(mark: DocumentMark, document: bytes) -> bool:
    """Whether a mark is of this file, or of what it was before something was appended.

    A file is sealed, time-stamped and raised by appending. What else may have been appended is for the judge
    of its seals to say.
    """
    hashed, done = hashlib.sha256(), 0
    for end in _ends(document):
        hashed.update(memoryview(document)[done:end])
        done = end
        if hashed.copy().digest()[:DIGEST_PREFIX_BYTES] == mark.prefix:
            return True
    return False


def status_line(statement: Statement, at: datetime) -> str:
    """The one sentence that a reader must not miss: as of when this is, and how long ago that was."""
    then = statement.as_of.astimezone(LEGAL_TIME)
    age = age_text(at - statement.as_of)
    return f"Status as of {then:%Y-%m-%d %H:%M} in China, {age}: {statement.status}."


def age_text(age: timedelta) -> str:
    """A period as people say it."""
    minutes = max(0, int(age.total_seconds() // 60))
    found = ((minutes // size, unit) for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")))
    count, unit = next((each for each in found if each[0]), (0, "minute"))
    return f"{count} {unit}{'' if count == 1 else 's'} old"


def _ends(document: bytes) -> list[int]:
    """Where the file may have ended before something was appended: behind an end mark and its blanks."""
    ends: list[int] = []
    place = document.find(_END_MARK)
    for _ in range(ENDS_MAX):
        if place < 0:
            break
        end = place + len(_END_MARK)
        ends.append(end)
        while end - place < _BLANKS_MAX and document[end : end + 1] and document[end] in _BLANKS:
            end += 1
            ends.append(end)
        place = document.find(_END_MARK, end)
    return [*ends, len(document)]


def _key_check(key: ListedKey | None, statement: Statement) -> Check:  # 2
    if key is None:
        detail = "The trust list has no such key: fetch the newest one, or ask the vault."
        return Check("key", CheckResult.UNKNOWN, detail)
    if key.revoked_at is not None:
        detail = f"The key was revoked on {key.revoked_at:%Y-%m-%d}: ask the vault."
        return Check("key", CheckResult.UNKNOWN, detail)
    if statement.as_of < key.signs_from:
        return Check(
            "key", CheckResult.FAILED, f"The key signs from {key.signs_from:%Y-%m-%d %H:%M} UTC only."
        )
    if key.signs_until is not None and statement.as_of >= key.signs_until:
        detail = f"The key signed until {key.signs_until:%Y-%m-%d %H:%M} UTC."
        return Check("key", CheckResult.FAILED, detail)
    return Check("key", CheckResult.PASSED, "The key is the vault's, and was when the statement was made.")


def _signature_check(key: ListedKey | None, signed: SignedStatement) -> Check:  # 3
    if key is None:
        return Check("signature", CheckResult.UNKNOWN, "It cannot be checked without its key.")
    try:
        signed.check(key.public)
    except SignatureError as error:
        return Check("signature", CheckResult.FAILED, error.detail)
    return Check("signature", CheckResult.PASSED, "The statement is as the vault signed it.")


def _time_check(statement: Statement, at: datetime) -> Check:
    if statement.as_of > at + CLOCKS_DIFFER:
        detail = "The statement is from the future: the clock here is wrong, or it is."
        return Check("time", CheckResult.FAILED, detail)
    return Check("time", CheckResult.PASSED, status_line(statement, at))


def _document_check(mark: DocumentMark, document: bytes) -> Check:
    if states(mark, document):
        return Check("document", CheckResult.PASSED, "The file is the one that is stated, or begins with it.")
    return Check("document", CheckResult.FAILED, "The file is not the one that is stated.")


def _list_check(age: timedelta) -> Check:
    if age > LIST_OLD:
        detail = f"The trust list is {age.days} days old: fetch the newest one to learn of revoked keys."
        return Check("trust_list", CheckResult.UNKNOWN, detail)
    return Check("trust_list", CheckResult.PASSED, f"The trust list is {max(age.days, 0)} days old.")


def _address_checks(text: str, trust: TrustList) -> tuple[Check, ...]:
    if "#" not in text:
        return ()
    try:
        parts = urlsplit(text.partition("#")[0])
    except ValueError:
        parts = urlsplit("")
    if f"{parts.scheme}://{parts.netloc}" == trust.vault:
        return (Check("address", CheckResult.PASSED, f"The code leads to {trust.vault}."),)
    detail = f"The code leads to another address than the vault's, {trust.vault}: do not open it."
    return (Check("address", CheckResult.FAILED, detail),)
