"""Orders by which a holder is told of an access only later (暂缓告知).

Who handles personal data for a state body tells the person, unless telling would hinder its lawful task
(个人信息保护法, articles 18 and 35). The vault defers by a recorded order only, for a limited time, and then
tells that it did.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# 刑事诉讼法 (2018), article 151: a decision on technical measures holds for three months, and each renewal
# for no more than that; no law permits a longer silence at a time.
ORDER_DAYS_MAX = 92


class OrderKind(StrEnum):
    """What kind of order it was: the one thing about it that the holder is told afterwards."""

    CRIMINAL_INVESTIGATION = "criminal_investigation"
    SUPERVISION = "supervision"
    NATIONAL_SECURITY = "national_security"
    COURT = "court"
    TAX_INSPECTION = "tax_inspection"


ORDER_NAMES: Mapping[OrderKind, tuple[str, str]] = {
    OrderKind.CRIMINAL_INVESTIGATION: ("刑事侦查机关的决定", "an order in a criminal investigation"),
    OrderKind.SUPERVISION: ("监察机关的决定", "an order of a supervisory commission"),
    OrderKind.NATIONAL_SECURITY: ("国家安全机关的决定", "an order of a state security body"),
    OrderKind.COURT: ("人民法院的决定", "an order of a court"),
    OrderKind.TAX_INSPECTION: ("税务稽查机关的决定", "an order in a tax inspection"),
}


@dataclass(frozen=True, slots=True)
class DeferralOrder:
    """A recorded order. It covers what happens from `covers_from` on and before `ends_at`.

    `holder_id` None: whoever is looked up for the case. `client_id` None: whichever system looks. `renews`:
    the order that it takes on from. What it says is None once the holder whom it names is erased.
    """

    order_id: UUID
    kind: OrderKind
    number: str | None = field(repr=False)
    issuing_body: str | None = field(repr=False)
    legal_basis: str | None = field(repr=False)
    holder_id: UUID | None
    case_number: str | None = field(repr=False)
    client_id: str | None
    covers_from: datetime
    ends_at: datetime
    renews: UUID | None
    recorded_at: datetime
    recorded_by: str

    @property
    def ordered(self) -> tuple[object, ...]:
        """What two orders must share to be the same one: when and by whom it was recorded is beside it."""
        said = (self.kind, self.number, self.issuing_body, self.legal_basis)
        return (*said, self.holder_id, self.case_number, self.client_id, self.ends_at, self.renews)
