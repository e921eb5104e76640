"""The approval system at work on the real engines: one call of a flow for each thing that a machine does."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pikepdf

from storage.materials import ArchivedMaterial
from storage.public_read import PublicReader
from tests.conftest import House
from tests.flows.test_reuse import Holder, new_company
from tests.machine.model import ITEM, Thing
from tests.requests import example_request, new_case_number
from vault import material_archive
from vault.closing import missing_of_case
from vault.deposit import Deposited, deposit, read_case
from vault.deposit.reserving import ReservedCase, reserve
from vault.lifecycle import change_status, history_of, read_change, read_inspection, record_inspection
from vault.lifecycle.changing import Recorded
from vault.lookup import Holdings, holdings
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.lifecycle import StatusEvent
from vault.model.use import UseRecord
from vault.model.verdict import Verification
from vault.reuse import answer_json, check_reuse, read_question
from vault.uploads import keep_upload
from vault.uses import MadeUse, Redeemed, make_use, read_use, redeem, revoke_by_maker
from vault.verify import by_code
from vault.workshop import Workshop

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Office:
    """What every example shares: the house, a reader with its event loop, and the page that is handed in.

    Real engines, seals and judge; but the page is empty and bears no time-stamp. Setting a real one and
    stamping it would take most of the time, and other tests do that.
    """

    house: House
    workshop: Workshop
    reader: PublicReader
    loop: asyncio.AbstractEventLoop
    page: str

    @classmethod
    def open(cls, house: House, reader: PublicReader, loop: asyncio.AbstractEventLoop) -> "Office":
        """Uploads the page."""
        pdf = pikepdf.new()
        pdf.add_blank_page(page_size=(300, 300))
        out = BytesIO()
        pdf.save(out)
        digest = hashlib.sha256(out.getvalue()).hexdigest()
        keep_upload(house.wired.workshop, house.client, digest, out.getvalue())
        return cls(house, replace(house.wired.workshop, tsa=None), reader, loop, digest)


@dataclass(slots=True)
class Desk:
    """One example's own companies, never seen before: what others left in the database is not theirs."""

    office: Office
    companies: dict[str, Holder] = field(default_factory=lambda: {"A": new_company(), "B": new_company()})
    cases: dict[str, str] = field(default_factory=lambda: {"first": new_case(), "second": new_case()})
    _at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def at(self) -> datetime:
        """A moment later with every step: ids are in the order of what happened, and no midnight comes."""
        self._at += timedelta(milliseconds=1)
        return self._at

    @property
    def today(self) -> date:
        """The day in China."""
        return legal_day(self._at)

    def case_of(self, certificate: Thing, number: str, old_id: str | None) -> Request:
        """The case that brings this certificate."""
        request = example_request(self.office.house.catalogue, certificate["kind"])
        result = request["results"][0]
        result["holders"] = [self.companies[company] for company in certificate["holders"]]
        result["fields"] = {key: value for key, value in result["fields"].items() if key != "shares"}
        for name in ("issued_on", "valid_from", "valid_to"):
            result[name] = None if certificate[name] is None else certificate[name].isoformat()
        result |= {"number": certificate["number"], "supersedes": old_id}
        result["document"] = {"sha256": self.office.page}
        request["case"] |= {"number": number, "applicant": result["holders"][0]}
        return request

    def material_case(self, material: Thing) -> Request:
        """A case that brings nothing but this material."""
        request = example_request(self.office.house.catalogue)
        holder = self.companies[material["holders"]]
        request["case"]["applicant"] = holder
        request["results"] = []
        told = {"type": material["kind"], "name": "样例材料", "sha256": self.office.page, "holders": [holder]}
        told |= {"trust": material["trust"]}
        told |= {
            name: None if material[name] is None else material[name].isoformat()
            for name in ("issued_on", "valid_to")
        }
        request["materials"] = [told]
        return request

    def deposit(self, request: Request) -> Deposited:
        """`POST /v1/deposits`."""
        house, at = self.office.house, self.at()
        case = read_case(house.catalogue.in_force, house.client, request, at=at)
        return deposit(self.office.workshop, case, at=at)

    def begin(self, request: Request) -> ReservedCase:
        """A deposit that a crash ends after its first commit."""
        house, at = self.office.house, self.at()
        case = read_case(house.catalogue.in_force, house.client, request, at=at)
        begun = reserve(self.office.workshop, case, at=at)
        assert isinstance(begun, ReservedCase)
        return begun

    def missing(self, number: str) -> tuple[str, ...]:
        """`GET /v1/cases/{number}/may-close`."""
        return missing_of_case(self.office.workshop, self.office.house.client, number)

    def decide(self, certificate: Thing, action: str, reason: str, day: date) -> Recorded:
        """`POST /v1/certificates/{id}/status`."""
        house, at = self.office.house, self.at()
        body = {"action": action, "reason": reason, "effective_on": day.isoformat()}
        change = read_change(body, at=at)
        return change_status(self.office.workshop, house.client, UUID(certificate["id"]), change, at=at)

    def inspect(self, certificate: Thing, result: str, day: date) -> Recorded:
        """`POST /v1/certificates/{id}/inspections`."""
        house, at = self.office.house, self.at()
        body = {"result": result, "inspected_on": day.isoformat(), "remark": None}
        inspection = read_inspection(body, at=at)
        return record_inspection(
            self.office.workshop, house.client, UUID(certificate["id"]), inspection, at=at
        )

    def verify_material(self, material: Thing) -> ArchivedMaterial:
        """`POST /v1/materials/{id}/verification`."""
        workshop, client = self.office.workshop, self.office.house.client
        return material_archive.verify(
            workshop, client, UUID(material["id"]), clerk="0118", note="", at=self.at()
        )

    def history(self, certificate: Thing) -> tuple[StatusEvent, ...]:
        """`GET /v1/certificates/{id}`."""
        workshop, client = self.office.workshop, self.office.house.client
        return history_of(workshop, client, UUID(certificate["id"]), at=self.at()).events

    def holdings(self, company: str) -> Holdings:
        """`POST /v1/holdings`."""
        holder = self.companies[company]
        return holdings(
            self.office.workshop,
            self.office.house.client,
            HolderCode.parse(holder["code_type"], holder["code"]),
            purpose="核验",
            service_item=None,
            case_number=None,
            at=self.at(),
        )

    def check(self, applicant: str, others: str, case: str, needed: date) -> dict[str, dict[str, Any]]:
        """`POST /v1/reuse-checks`, the lines by requirement."""
        workshop, at = self.office.workshop, self.at()
        holders = [self._asked(applicant, "applicant"), *(self._asked(o, "co_owner") for o in others)]
        body = {
            "service_item": ITEM,
            "holders": holders,
            "case_number": case,
            "needed_until": needed.isoformat(),
        }
        question = read_question(workshop.shelf.items(at), body, at=at)
        answer = answer_json(check_reuse(workshop, self.office.house.client, question, at=at))
        return {line["requirement"]: line for line in answer["lines"]}

    def verify(self, certificate: Thing) -> Verification:
        """`POST /v1/verifications` with what is printed on the certificate."""
        asked = by_code(self.office.reader, certificate["number"], certificate["code"], at=self.at())
        return self.office.loop.run_until_complete(asked)

    def use(self, certificate: Thing, case: str) -> MadeUse:
        """`POST /v1/uses`, for one of this desk's cases."""
        workshop, client, at = self.office.workshop, self.office.house.client, self.at()
        body = {"certificate_id": certificate["id"], "material_id": None, "service_item": ITEM}
        body |= {"case_number": self.cases[case], "purpose": "食品生产许可", "copy": False}
        return make_use(workshop, client, read_use(workshop.shelf, client, body, at=at), at=at)

    def redeem(self, code: str) -> Redeemed:
        """`POST /v1/uses/redemptions`."""
        return redeem(self.office.workshop, self.office.house.client, code, at=self.at())

    def revoke(self, use: Thing) -> UseRecord:
        """`POST /v1/uses/{id}/revocation`."""
        workshop, client = self.office.workshop, self.office.house.client
        return revoke_by_maker(workshop, client, UUID(use["id"]), at=self.at())

    def _asked(self, company: str, role: str) -> dict[str, str]:
        holder = self.companies[company]
        return {"role": role, "code_type": holder["code_type"], "code": holder["code"]}


def new_number() -> str:
    """A certificate's number that nobody used before."""
    return f"样机〔2026〕{secrets.token_hex(6).upper()}号"


def new_case() -> str:
    """A case number that nobody used before."""
    return new_case_number()
