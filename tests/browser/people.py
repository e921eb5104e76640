"""Who sits before the pages: one invented person for each part."""

import secrets
from datetime import date
from enum import Enum

from api.local_provider.book import Account
from api.local_provider.founding import account
from tests.browser.served import Served
from tests.custodians import OFFICE
from tests.generators import make_citizen_id
from vault.model.actors import Role
from vault.model.holders import HolderCode


class Part(Enum):
    """What somebody has come to do."""

    HOLDER = "holder"
    CLERK = "clerk"
    OPERATOR = "operator"
    CUSTODIAN = "custodian"
    AUDITOR = "auditor"


_ROLES = {
    Part.HOLDER: (Role.HOLDER, "林样例"),
    Part.CLERK: (Role.CLERK, "文样窗"),
    Part.OPERATOR: (Role.OPERATOR, "管样理"),
    Part.CUSTODIAN: (Role.SEAL_CUSTODIAN, "印样章"),
    Part.AUDITOR: (Role.AUDITOR, "审样计"),
}


def account_of(
    part: Part, served: Served, *, code: HolderCode | None = None, office: str | None = None
) -> Account:
    """A new account with this part. `code`: a holder's, a new one if left out; `office`: a member of staff's.

    Whoever is of the staff and given no office is of one of the city's authorities.
    """
    role, name = _ROLES[part]
    is_holder = part is Part.HOLDER
    authority = next(iter(served.house.client.authorities))
    return account(
        f"{part.value}-{secrets.token_hex(4)}",
        secrets.token_urlsafe(9),
        name=name,
        roles=frozenset({role}),
        code=(code or new_holder()) if is_holder else None,
        organisation=None if is_holder else office or (OFFICE if part is Part.AUDITOR else authority),
    )


def new_holder() -> HolderCode:
    """A citizen's code that nobody has."""
    return HolderCode.parse("111", make_citizen_id("110105", date(1900, 1, 1), secrets.randbelow(1000)))
