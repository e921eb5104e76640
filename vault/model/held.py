"""What the vault holds of the people of one question: what a decision needs, never a name or a number."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from vault.model.catalogue import HolderKind
from vault.model.certificate import Status, TrustLevel
from vault.model.origin import OriginKind
from vault.model.service_item import HolderRole


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody of the question, by their place among its `holders`, counted from 0."""

    position: int
    roles: frozenset[HolderRole]
    kind: HolderKind


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate. `parties`: the positions of those of the question who hold it.

    `disputed_on`: the day on which its authority accepted a dispute (异议) that is open. It counts all the
    same, and so does a digital copy (`origin`): whoever asks is told.
    """

    certificate_id: UUID
    identifier: str
    type_code: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_since: date
    superseded_by: UUID | None
    parties: frozenset[int]
    disputed_on: date | None = None
    origin: OriginKind = OriginKind.BORN_SEALED


@dataclass(frozen=True, slots=True)
class HeldMaterial:
    """A material of the archive. `issued_on`: the date that it bears, None where nobody said."""

    material_id: UUID
    type_code: str
    trust: TrustLevel
    issued_on: date | None
    handed_in_on: date
    valid_to: date | None
    parties: frozenset[int]


@dataclass(frozen=True, slots=True)
class PendingResult:
    """A result of a case that is reserved and not committed. `parties`: who will hold it."""

    type_code: str
    case_number: str
    reserved_on: date
    parties: frozenset[int]


Evidence = HeldCertificate | HeldMaterial


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that could satisfy something, of every party.

    `absent`: certificates that were opened and do not have a face field, with the field's key. Those of an
    older version of their type may lack one that is required today.
    """

    certificates: tuple[HeldCertificate, ...] = ()
    materials: tuple[HeldMaterial, ...] = ()
    pending: tuple[PendingResult, ...] = ()
    absent: frozenset[tuple[UUID, str]] = frozenset()
