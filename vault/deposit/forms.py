"""The parts of a deposit that mean the same whatever the catalogue says: texts, days, digests, holders."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from vault.errors import FieldProblem, InputError
from vault.model.holders import Holder
from vault.model.written import hides_something, text_form

# A clock a little ahead of ours is no error; a case completed next week is.
CLOCK_SKEW_DAYS = 1

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# RFC 3339, 5.6: date-time with its offset.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class Findings:
    """Collects problems so that a caller hears of all of them in one answer."""

    def __init__(self) -> None:
        self.problems: list[FieldProblem] = []

    def add(self, pointer: str, detail: str) -> None:
        """One more bad field."""
        self.problems.append(FieldProblem(pointer, detail))

    @contextmanager
    def under(self, pointer: str) -> Iterator[None]:
        """Keeps what the block finds wrong, with `pointer` in front, and goes on."""
        try:
            yield
        except InputError as error:
            self.problems.extend(error.under(pointer).problems)

    def raise_if_any(self) -> None:
        """Raises `InputError` with everything that was found."""
        if self.problems:
            count = len(self.problems)
            fields = "field is" if count == 1 else "fields are"
            raise InputError(f"The deposit was refused: {count} {fields} wrong.", *self.problems)


def read_text(findings: Findings, pointer: str, value: str, max_chars: int) -> str:
    """A text of one line in its written form."""
    text = text_form(value)
    if not 1 <= len(text) <= max_chars:
        findings.add(pointer, f"Expected 1 to {max_chars} characters, got {len(text)}.")
    elif hides_something(text):
        findings.add(pointer, "Expected printable characters, got a control or invisible one.")
    return text


def read_date(findings: Findings, pointer: str, value: str) -> date | None:
    """A calendar day."""
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    findings.add(pointer, "Expected a date as YYYY-MM-DD.")
    return None


def read_moment(findings: Findings, pointer: str, value: str, at: datetime) -> datetime | None:
    """A time that is not ahead of `at`, in UTC."""
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC) if _MOMENT.fullmatch(value) else None
    except (ValueError, OverflowError):  # 30 February; the year 1 in a zone ahead of UTC
        moment = None
    if moment is None:
        findings.add(pointer, "Expected a time in RFC 3339 with its offset, such as 2026-10-26T08:00:00Z.")
        return None
    if (moment - at).days >= CLOCK_SKEW_DAYS:
        findings.add(pointer, "The time lies in the future.")
    return moment


def read_sha256(findings: Findings, pointer: str, value: str) -> str:
    """A digest in small hex digits."""
    text = value.lower()
    if not _SHA256.fullmatch(text):
        findings.add(pointer, "Expected a SHA-256 digest: 64 hexadecimal digits.")
    return text


def read_uuid(findings: Findings, pointer: str, value: str | None) -> UUID | None:
    """The id of a certificate, if one is given."""
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        findings.add(pointer, "Expected the certificate_id of a certificate in the vault, as a UUID.")
        return None


def read_holders(
    findings: Findings,
    pointer: str,
    values: Sequence[Mapping[str, Any]],
    today: date,
    *,
    single: bool = False,
) -> tuple[Holder, ...]:
    """Those that can be read; `single`: the pointer is the one holder's own."""
    found = []
    for n, value in enumerate(values):
        with findings.under(pointer if single else f"{pointer}/{n}"):
            found.append(Holder.parse(value["code_type"], value["code"], value["name"], today=today))
    return tuple(found)
