"""Two organisations, two holders and everybody else, with one of each thing that can be asked for.

Everything belongs to organisation A, to the client `depositor` and to the first holder. Made once; what a
permitted call would change is made anew for it (`Scene.spare`).
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from tests.conftest import House
from tests.edge.conftest import Caller
from tests.flows.test_reuse import CONSTRUCTION, ESCROW, PRESALE, Holder, new_company
from tests.requests import FOOD, example_request, kind_named, new_case_number
from vault import sessions, signin
from vault.model.access import ANYONE, Actor, Context, Footing, Kind, Resource
from vault.model.actors import Assurance, Introduced, Role
from vault.model.holders import HolderCode

STAFF = (Role.CLERK, Role.VERIFIER, Role.ISSUER, Role.SEAL_CUSTODIAN, Role.AUDITOR, Role.OPERATOR)
NAMES = (
    "anyone",
    "depositor",
    "colleague",
    "client of another authority",
    "client bound to another type",
    "receiver",
    "holder",
    "another holder",
    *(f"{role.value} {where}" for role in STAFF for where in ("here", "elsewhere")),
    "clerk of nobody",
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody as the rules see them and as they call. `headers`: token or cookie."""

    actor: Actor
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be asked for. `mark`: what stands in a list where it is told.

    `missing`: the same place where there is nothing.
    """

    resource: Resource
    place: Mapping[str, str]
    missing: Mapping[str, str]
    mark: str
    more: Mapping[str, str] = field(default_factory=dict)


class Scene:
    """Everybody and everything."""

    def __init__(self, caller: Caller, house: House) -> None:
        self.caller, self.house = caller, house
        self.kind = kind_named(house.catalogue, CONSTRUCTION)
        self.issuer = self.kind.authorities[0].code
        self.item = house.catalogue.items[PRESALE]
        assert self.item.authority.code == self.issuer, "one organisation issues it and handles the item"
        self.other = next(
            a.code
            for a in house.catalogue.city.authorities
            if a.code not in {b.code for b in self.kind.authorities}
        )
        self.company, self.another = new_company(), new_company()
        self.visitors = self._everybody()
        self.feed_from = self._head_of_feed()
        self.case, self.certificate = self._deposit(self.company)
        self.material = self.new_material()
        self._deposit(self.another)
        self.use = self.new_use()
        self.webhook = self.new_webhook()
        self.answered_anyone: dict[str, int] = {}
        self.context = Context("办理", "SL-1", PRESALE, self.issuer, Footing.FUNCTION)

    # --- who ---------------------------------------------------------------------------------------

    def _everybody(self) -> dict[str, Visitor]:
        food = frozenset({kind_named(self.house.catalogue, FOOD).code})
        found = {
            "anyone": Visitor(ANYONE, {}),
            "depositor": self._client(self.issuer),
            "colleague": self._client(self.issuer),
            "client of another authority": self._client(self.other),
            "client bound to another type": self._client(self.issuer, types=food),
            "receiver": self._client(),
            "holder": self._person(Role.HOLDER, code=self.company),
            "another holder": self._person(Role.HOLDER, code=self.another),
            "clerk of nobody": self._person(Role.CLERK),
        }
        for role in STAFF:
            found[f"{role.value} here"] = self._person(role, organisation=self.issuer)
            found[f"{role.value} elsewhere"] = self._person(role, organisation=self.other)
        assert set(found) == set(NAMES)
        return found

    def _client(self, *authorities: str, types: frozenset[str] | None = None) -> Visitor:
        workshop, name = self.house.wired.workshop, f"visitor-{secrets.token_hex(4)}"
        now = datetime.now(UTC)
        made = signin.add_client(workshop, name, "样例系统", frozenset(authorities), types=types, at=now)
        form = {"grant_type": "client_credentials"}
        token = self.caller("POST", "/oauth/token", data=form, auth=(name, made.secret)).json()[
            "access_token"
        ]
        return Visitor(signin.client_by_id(workshop, name), {"authorization": f"Bearer {token}"})

    def _person(self, role: Role, *, organisation: str | None = None, code: Holder | None = None) -> Visitor:
        workshop, now = self.house.wired.workshop, datetime.now(UTC)
        who = Introduced(
            "https://id.example",
            secrets.token_hex(8),
            "文样窗",
            frozenset({role}),
            organisation,
            None if code is None else HolderCode.parse(code["code_type"], code["code"]),
            Assurance.HIGH,
        )
        token = sessions.enter(workshop, who, "local", before=None, at=now)
        return Visitor(sessions.signed_in(workshop, token, at=now), {"cookie": f"certvault={token}"})

    # --- what --------------------------------------------------------------------------------------

    def spare(self, name: str) -> Thing:
        """A new thing of this name, which a permitted call may change."""
        match name:
            case "certificate":
                return self._deposit(self.company)[1]
            case "material":
                return self.new_material()
            case "use" | "code":
                return self.new_use()
            case "webhook":
                return self.new_webhook()
            case _:
                return self.thing(name)

    def thing(self, name: str) -> Thing:
        """The thing of this name."""
        things = {
            "case": self.case,
            "certificate": self.certificate,
            "material": self.material,
            "use": self.use,
            "code": self.use,
            "webhook": self.webhook,
        }
        return things[name]

    def new_case(self) -> dict[str, Any]:
        """A deposit of A that nobody made before."""
        request = example_request(self.house.catalogue, CONSTRUCTION)
        request["results"][0]["issuing_authority"] = self.issuer
        return request

    def _deposit(self, company: Holder) -> tuple[Thing, Thing]:
        """A case and its certificate."""
        request = self.new_case()
        request["results"][0]["holders"] = [company]
        request["case"]["applicant"] = company
        [receipt] = self._done("POST", "/v1/deposits", json=request)["receipts"]
        number, certificate_id = request["case"]["number"], receipt["certificate_id"]
        by = self._actor("depositor")
        resource = Resource(Kind.CERTIFICATE, self.issuer, self.kind.code, by, holder_of(company))
        more = {"number": receipt["number"], "token": receipt["verify_url"].rsplit("=", 1)[-1]}
        return (
            Thing(Resource(Kind.CASE, by=by), {"number": number}, {"number": new_case_number()}, number),
            _thing(resource, "certificate_id", certificate_id, more),
        )

    def new_material(self) -> Thing:
        """A material of the first holder that nobody has compared with its original."""
        sha256, content = new_file()
        self._done("PUT", f"/v1/uploads/{sha256}", content=content, more={"content-type": "application/pdf"})
        request = self.new_case() | {"results": []}
        request["case"]["applicant"] = self.company
        request["materials"] = [
            {"type": ESCROW, "name": "监管协议", "sha256": sha256, "trust": "C", "holders": [self.company]}
        ]
        self._done("POST", "/v1/deposits", json=request)
        question = {"holder": {k: self.company[k] for k in ("code_type", "code")}, "purpose": "办理"}
        held = self._done("POST", "/v1/holdings", json=question)["materials"]
        material_id = next(each["material_id"] for each in held if each["sha256"] == sha256)
        resource = Resource(Kind.MATERIAL, by=self._actor("depositor"), holders=holder_of(self.company))
        return _thing(resource, "material_id", material_id)

    def new_use(self) -> Thing:
        """A use of the certificate with a copy, made by the depositor and redeemed by the receiver."""
        body = self.use_of(self.certificate.place) | {"copy": True}
        made = self._done("POST", "/v1/uses", json=body)
        redeemed = self._done("POST", "/v1/uses/redemptions", json={"code": made["code"]}, who="receiver")
        assert redeemed["use"]["use_id"] == made["use_id"]
        fresh = self._done("POST", "/v1/uses", json=body)
        resource = Resource(
            Kind.USE,
            by=self._actor("depositor"),
            holders=holder_of(self.company),
            redeemed_by=frozenset({self._actor("receiver")}),
        )
        return _thing(resource, "use_id", made["use_id"], {"code": fresh["code"]})

    def use_of(self, named: Mapping[str, str]) -> dict[str, Any]:
        """A use that nobody made before."""
        return {**named, "case_number": new_case_number(), "service_item": PRESALE, "purpose": "办理预售许可"}

    def new_webhook(self) -> Thing:
        """A webhook of the depositor."""
        made = self._done("POST", "/v1/webhooks", json={"url": new_address()})
        resource = Resource(Kind.WEBHOOK, by=self._actor("depositor"))
        return _thing(resource, "webhook_id", made["webhook_id"])

    def _head_of_feed(self) -> str:
        cursor, more = "", True
        while more:
            page = self._done("GET", "/v1/changes", params={"after": cursor, "limit": 1000})
            cursor, more = page["cursor"], page["more"]
        return str(cursor)

    def remove_webhooks(self) -> None:
        """A client has ten at most."""
        for name in (
            "depositor",
            "colleague",
            "client of another authority",
            "client bound to another type",
            "receiver",
        ):
            kept = self._done("GET", "/v1/webhooks", who=name)["webhooks"]
            for each in kept:
                if each["webhook_id"] != self.webhook.mark:
                    self.call(name, "DELETE", f"/v1/webhooks/{each['webhook_id']}")

    # --- asking ------------------------------------------------------------------------------------

    def call(self, who: str, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - what httpx takes
        """One request by somebody."""
        headers = {**self.visitors[who].headers, **request.pop("headers", {})}
        return self.caller(method, path, headers=headers, **request)

    def _done(
        self,
        method: str,
        path: str,
        *,
        who: str = "depositor",
        more: Mapping[str, str] | None = None,
        **request: Any,  # noqa: ANN401 - what httpx takes
    ) -> Any:  # noqa: ANN401 - JSON is any value
        answer = self.call(who, method, path, headers=dict(more or {}), **request)
        assert answer.is_success, answer.text
        return answer.json()

    def _actor(self, name: str) -> str:
        actor = self.visitors[name].actor
        assert hasattr(actor, "actor")
        return str(actor.actor)


def _thing(resource: Resource, name: str, at: str, more: Mapping[str, str] | None = None) -> Thing:
    return Thing(resource, {name: at}, {name: nobody()}, at, more or {})


def holder_of(company: Holder) -> frozenset[tuple[str, str]]:
    """As a resource names its holder."""
    return frozenset({HolderCode.parse(company["code_type"], company["code"]).identity})


def new_file() -> tuple[str, bytes]:
    """A file that nobody handed in before, with its SHA-256."""
    content = b"%PDF-1.7 " + secrets.token_bytes(8)
    return hashlib.sha256(content).hexdigest(), content


def new_address() -> str:
    """Where nobody's webhooks go yet."""
    return f"https://receiver.example/{secrets.token_hex(6)}"


def nobody() -> str:
    """An id of nothing."""
    return str(UUID(int=secrets.randbits(128), version=4))
