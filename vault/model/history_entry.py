"""An access as its holder is told of it: who, for whom, what, why and when; nobody else's data."""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from vault.errors import InputError
from vault.model.citizen_id import CitizenId
from vault.model.deferral import OrderKind
from vault.model.use import SubjectKind

EVERYBODY = UUID(int=0)
"""Stands for every holder, where an event concerns them all: an export of the whole directory."""

EVENT_ID_ABOVE_ALL = 2**63 - 1
"""Above every event id that the database gives out."""

_ID_BYTES = 8
_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_CODE_LIKE = re.compile(r"(?<![0-9A-Za-z])(?:[0-9]{17}[0-9Xx]|[0-9]{15})(?![0-9A-Za-z])")


class Who(StrEnum):
    """Whoever looked, as far as a holder may know."""

    YOU = "you"
    SYSTEM = "system"  # an approval system, perhaps for a clerk
    PERSON = "person"  # somebody else who signed in: another holder, a clerk of an organisation
    AUDITOR = "auditor"
    OPERATOR = "operator"
    PUBLIC = "public"  # whoever had the certificate in hand


@dataclass(frozen=True, slots=True)
class Thing:
    """A certificate or material of the holder's that an access was about; `identifier` of certificates."""

    kind: SubjectKind
    id: UUID
    type_code: str
    identifier: str | None


@dataclass(frozen=True, slots=True)
class UseSeen:
    """The use that an access belongs to, as it stands now."""

    use_id: UUID
    expires_at: datetime
    revoked_at: datetime | None
    copy: bool


@dataclass(frozen=True, slots=True)
class Deferred:
    """By which kind of order an access was shown late, and from when on it was shown."""

    kind: OrderKind
    shown_from: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """One entry of a holder's history.

    `actor`, `action`: the audit event's; the actor is not for the holder. `client`: the system's name.
    `authorities`: for which bodies it acts, or for which one somebody did who signed in. `organisation`: as
    they named themselves for this. `by_clerk`: a clerk, whom a system named or who signed in; they stay
    unnamed here. `things`: the first few of `things_count`. `step`: which change, where `action` has several.
    `count`: how often, of public verifications. `by_consent`: it rested on a holder's consent.
    `legal_basis`: of the function by which it was done, where that was recorded.
    """

    event_id: int
    at: datetime
    actor: str
    action: str
    who: Who
    client: str | None = None
    authorities: tuple[str, ...] = ()
    organisation: str | None = field(repr=False, default=None)
    by_clerk: bool = False
    things: tuple[Thing, ...] = ()
    things_count: int = 0
    service_item: str | None = None
    case_number: str | None = field(repr=False, default=None)
    purpose: str | None = field(repr=False, default=None)
    use: UseSeen | None = None
    step: str | None = None
    count: int | None = None
    by_consent: bool = False
    legal_basis: str | None = None
    deferred: Deferred | None = None


def access_id(event_id: int) -> str:
    """An entry's name outside: eleven characters that nobody counts with."""
    return base64.urlsafe_b64encode(event_id.to_bytes(_ID_BYTES)).rstrip(b"=").decode()


def read_access_id(text: str) -> int:
    """The event of an access's id.

    Raises:
        InputError: the text is none, at "".
    """
    event_id = EVENT_ID_ABOVE_ALL
    if _ID.fullmatch(text) is not None:
        event_id = int.from_bytes(base64.urlsafe_b64decode(text + "="))
    if event_id >= EVENT_ID_ABOVE_ALL or access_id(event_id) != text:
        raise InputError.at("", "Expected the id of an access as the history gave it out.")
    return event_id


def without_id_numbers(text: str) -> str:
    """The text with every valid ID number in it blanked: a case number may hold a third person's."""

    def blanked(found: re.Match[str]) -> str:
        try:
            return CitizenId.parse(found[0]).masked()
        except InputError:
            return found[0]

    return _CODE_LIKE.sub(blanked, text)
