"""A certificate with its holder and a system that did not issue it, and what they do with it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pytest

from tests.conftest import House
from tests.flows.test_reuse import PRESALE, held_materials, with_material
from tests.flows.test_uses import Holder, asked, person, used
from tests.requests import new_case_number
from tests.trials import now
from vault.accesses import Accesses, accesses_json, accesses_of
from vault.accesses.counting import VerificationTally
from vault.download import copy_for_client
from vault.errors import NotFound
from vault.lookup import holdings
from vault.material_archive import verify
from vault.model.actors import Clerk, ClientGrant, Person
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.uses import redeem, revoke_by_maker

CLERK = Clerk("文样窗", "W0118")


def history(
    house: House,
    holder: Person | Holder,
    *,
    certificate: CertificateRecord | None = None,
    before: str | None = None,
    limit: int = 100,
    at: datetime | None = None,
) -> Accesses:
    who = holder if isinstance(holder, Person) else person(holder)
    about = None if certificate is None else certificate.certificate_id
    return accesses_of(
        house.wired.workshop, who, certificate_id=about, before=before, limit=limit, at=at or now()
    )


def shown(house: House, found: Accesses) -> list[dict[str, object]]:
    json = accesses_json(found, house.wired.workshop.shelf.in_force(now()))
    return list(json["accesses"])


@dataclass(frozen=True)
class Scene:
    """A certificate with its holder, a system that did not issue it, and a use with a code."""

    house: House
    certificate: CertificateRecord
    company: Holder
    me: Person
    receiver: ClientGrant
    case: str = field(default_factory=new_case_number)

    @property
    def code(self) -> HolderCode:
        """What they hold it under."""
        return HolderCode.parse(self.company["code_type"], self.company["code"])

    def material(self) -> UUID:
        """A material of theirs that nobody verified."""
        with_material(self.house, self.company, "CL0007", "C")
        found: UUID = held_materials(self.house, self.company)[0].material_id
        return found

    def verify_material(self) -> None:
        """Deposits one, and a window compares it."""
        verify(
            self.house.wired.workshop, self.house.client, self.material(), clerk="文样窗", note="", at=now()
        )

    def redeemed(self) -> None:
        """A use whose code another system redeems."""
        made = used(self.house, asked(self.certificate, copy=False))
        redeem(self.house.wired.workshop, self.receiver, made.code, at=now())

    def refused_code(self) -> None:
        """A code that is redeemed, and shown again by another."""
        made = used(self.house, asked(self.certificate, copy=False))
        redeem(self.house.wired.workshop, self.house.client, made.code, at=now())
        with pytest.raises(NotFound):
            redeem(self.house.wired.workshop, self.receiver, made.code, at=now())

    def copied(self) -> None:
        """A use with a copy that is fetched."""
        made = used(self.house, asked(self.certificate))
        copy_for_client(self.house.wired.workshop, self.house.client, made.use.use_id, at=now())

    def revoked(self) -> None:
        """A use that its maker ends."""
        made = used(self.house, asked(self.certificate, copy=False))
        revoke_by_maker(self.house.wired.workshop, self.house.client, made.use.use_id, at=now())

    def counted(self) -> None:
        """Three strangers verify it."""
        tally = VerificationTally()
        for _ in range(3):
            tally.note(self.certificate.certificate_id, now())
        tally.hand_over(self.house.wired.workshop, at=now())


def looked(s: Scene, client: ClientGrant) -> object:
    return holdings(
        s.house.wired.workshop,
        client,
        s.code,
        purpose="办理",
        service_item=PRESALE,
        case_number=s.case,
        at=now(),
    )
