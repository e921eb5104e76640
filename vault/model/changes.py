"""What the feed tells: one entry for each thing that happened, never about whom.

Expiry is no change: it follows from a certificate's `valid_to`, and nobody does anything on that day.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from vault.model.certificate import Status, TrustLevel
from vault.model.lifecycle import Action, InspectionResult


class MaterialAction(StrEnum):
    """What happens to a material of the archive (材料库)."""

    ARCHIVE = "archive"  # 归集入库, by a deposit
    VERIFY = "verify"  # 窗口核验: level C became B


@dataclass(frozen=True, slots=True)
class CertificateChange:
    """An event of a certificate, from its issue on. `position`: its place in the feed, dense from 1.

    `status`: what the event left; `effective_on`: the day in China from which it holds; `at`: when the vault
    recorded it. Of two events of one certificate the later one has the higher position.
    """

    position: int
    action: Action
    certificate_id: UUID
    identifier: str
    version: int
    type_code: str
    authority: str
    status: Status
    effective_on: date
    result: InspectionResult | None
    at: datetime


@dataclass(frozen=True, slots=True)
class MaterialChange:
    """A material handed in or verified. `trust`: the level that this left; `client_id`: who handed it in."""

    position: int
    action: MaterialAction
    material_id: UUID
    type_code: str
    client_id: str
    trust: TrustLevel
    at: datetime


Change = CertificateChange | MaterialChange
