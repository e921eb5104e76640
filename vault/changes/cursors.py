"""Cursors: the place of the last change read, and a check of what stands there.

A place alone would do until somebody restores an older backup: what happens afterwards takes the same places
again, and a reader that was ahead would miss it without a word. The check tells them.
"""

import hashlib
import re
from dataclasses import dataclass

from vault.errors import InputError
from vault.log import moment
from vault.model.changes import CertificateChange, Change

# Enough that another change in the same place is told but once in four thousand million.
CHECK_HEX_DIGITS = 8
POSITION_DIGITS_MAX = 18  # below 2^63, where PostgreSQL's bigint ends
START = "0"

_FORM = re.compile(rf"([1-9][0-9]{{0,{POSITION_DIGITS_MAX - 1}}})\.([0-9a-f]{{{CHECK_HEX_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A cursor taken apart. `position` 0 is the start, where nothing stands."""

    position: int
    check: str


def cursor_of(change: Change) -> str:
    """The cursor of somebody who has read this change and everything before it."""
    return f"{change.position}.{_check(change)}"


def read_cursor(text: str) -> Cursor:
    """A cursor from what a client sent; empty or `0` is the start.

    Raises:
        InputError: it has not the form of a cursor; at `/after`.
    """
    if text in {"", START}:
        return Cursor(0, "")
    found = _FORM.fullmatch(text)
    if found is None:
        sentence = "Expected a cursor as this feed gave it out, or 0 for the start, got another text."
        raise InputError.at("/after", sentence)
    return Cursor(int(found[1]), found[2])


def stands_for(cursor: Cursor, change: Change) -> bool:
    """Whether this change is the one that the cursor was given out for."""
    return cursor.check == _check(change)


def _check(change: Change) -> str:
    """Of what never changes about it; its id and time are the same after a dump and restore."""
    subject = change.certificate_id if isinstance(change, CertificateChange) else change.material_id
    content = f"{change.position} {change.action} {subject} {moment(change.at)}"
    return hashlib.sha256(content.encode()).hexdigest()[:CHECK_HEX_DIGITS]
