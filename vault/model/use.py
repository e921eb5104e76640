"""A use: who uses which certificate or material, for which case, item and purpose, and until when."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from vault.model.canonical import canonical_json
from vault.model.certificate import SealLevel
from vault.model.footing import BY_FUNCTION, Footing
from vault.model.legal_time import day_ends, legal_day

# A case is decided within 20 working days (行政许可法, article 42): 28 calendar days without holidays.
USE_DAYS = 30
# From one system's screen to another's: long enough to type, too short to be passed around.
CODE_LIFETIME = timedelta(minutes=10)
CODE_BYTES = 16  # 128 random bits


class SubjectKind(StrEnum):
    """What can be used."""

    CERTIFICATE = "certificate"
    MATERIAL = "material"


class UseAction(StrEnum):
    """What happens to a use; each time is an event."""

    MAKE = "make"
    CODE = "code"  # the same request again: a fresh code
    REDEEM = "redeem"
    REVOKE = "revoke"


class UseEnd(StrEnum):
    """Why a use no longer stands. The values are the reasons of a verification's report."""

    REVOKED = "copy_revoked"
    EXPIRED = "copy_expired"
    ERASED = "copy_erased"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is used: a certificate or an archived material, by its id."""

    kind: SubjectKind
    id: UUID


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """A usage copy (加注件): its file, and the original that it was made of, by SHA-256 in hex."""

    sha256: str
    size_bytes: int
    pages: int
    original_sha256: str
    level: SealLevel
    seal_id: str


@dataclass(frozen=True, slots=True)
class UseRequest:
    """What is asked for. `made_by`: the actor. `handled_by`: USCC of the authority that handles the item.

    `organisation`: who uses it; `clerk`: in whose hands; `copy`: with a copy. `service_item`, `handled_by`
    None: of clients that ask by consent only.
    """

    made_by: str
    subject: Subject
    service_item: str | None
    handled_by: str | None
    case_number: str = field(repr=False)
    purpose: str = field(repr=False)
    organisation: str = field(repr=False)
    clerk: str | None = field(repr=False)
    copy: bool


@dataclass(frozen=True, slots=True)
class UseRecord:
    """A use as the vault holds it. `made_by`: the actor, a system or a clerk who signed in.

    `service_item` None: an organisation that handles no service item asked, on a consent. `organisation`: who
    uses it; `clerk`: in whose hands, None where not said. `footing`: what it rests on.

    `expires_at`: from then on it no longer stands, and its copy is not in force. `erased`: nobody is left of
    those who held what it uses; its words are empty, and its copy opens for nobody.
    """

    use_id: UUID
    made_by: str
    subject: Subject
    service_item: str | None
    case_number: str = field(repr=False)
    purpose: str = field(repr=False)
    organisation: str = field(repr=False)
    clerk: str | None = field(repr=False)
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    copy: CopyRecord | None
    footing: Footing = BY_FUNCTION
    erased: bool = False

    @property
    def last_day(self) -> date:
        """The last day in China on which it stands."""
        return legal_day(self.expires_at - timedelta(microseconds=1))

    def end(self, at: datetime) -> UseEnd | None:
        """Why it no longer stands at this time; None where it does."""
        if self.revoked_at is not None and self.revoked_at <= at:
            return UseEnd.REVOKED
        if self.expires_at <= at:
            return UseEnd.EXPIRED
        return UseEnd.ERASED if self.erased else None


def request_text(use: UseRecord | UseRequest, *, copy: bool) -> str:
    """What two requests for a use must share to be the same one: canonical JSON."""
    return canonical_json(
        {
            "client": use.made_by,
            "subject": [use.subject.kind.value, str(use.subject.id)],
            "service_item": use.service_item,
            "case_number": use.case_number,
            "purpose": use.purpose,
            "organisation": use.organisation,
            "clerk": use.clerk,
            "copy": copy,
        }
    ).decode()


def use_ends(at: datetime, valid_to: date | None) -> datetime:
    """When a use that is made now ends: after `USE_DAYS`, or with the validity of what is used."""
    last = legal_day(at) + timedelta(days=USE_DAYS)
    return day_ends(last if valid_to is None else min(last, valid_to))


def end_sentence(use: UseRecord, end: UseEnd) -> str:
    """What is told of a use that no longer stands."""
    if end is UseEnd.ERASED:
        return "The holders of what was used were erased."
    if end is UseEnd.EXPIRED or use.revoked_at is None:
        return f"The use ran out after {use.last_day}."
    return f"The use was revoked on {legal_day(use.revoked_at)}."
