"""Two organisations, two holders and everybody else, with one of each thing that can be asked for.

Everything belongs to organisation A, to the client `depositor` and to the first holder. Made once; what a
permitted call would change is made anew for it (`Scene.spare`).
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from signing.keys import SignatureAlgorithm
from tests.conftest import House
from tests.custodians import two_custodians
from tests.edge.conftest import Caller
from tests.flows.test_reuse import CONSTRUCTION, ESCROW, PRESALE, Holder, new_company, new_person
from tests.papers import new_pdf
from tests.requests import FOOD, example_request, kind_named, new_case_number
from vault import custody, sessions, signin
from vault.custody import grant_what_is_missing
from vault.founding import SecretsFolder, make_development_seal
from vault.model.access import ANYONE, Actor, Context, Kind, Resource
from vault.model.actors import Assurance, ClientGrant, Introduced, Role
from vault.model.custody import SealAct
from vault.model.footing import BY_FUNCTION, ByConsent, Consented, Footing, Standing, Statutory
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.webhooks import registered, unregister

STAFF = (Role.CLERK, Role.VERIFIER, Role.ISSUER, Role.SEAL_CUSTODIAN, Role.AUDITOR, Role.OPERATOR)
NAMES = (
    "anyone",
    "depositor",
    "colleague",
    "client of another authority",
    "client bound to another type",
    "receiver",
    "bank",
    "bank with a consent",
    "holder",
    "another holder",
    "delegate",
    *(f"{role.value} {where}" for role in STAFF for where in ("here", "elsewhere")),
    "clerk of nobody",
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody as the rules see them and as they call.

    `headers`: token or cookie. `footing`: what their questions about the first holder rest on.
    """

    actor: Actor
    headers: Mapping[str, str] = field(repr=False)
    footing: Footing | None = BY_FUNCTION


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
        self.company, self.another, self.helper = new_company(), new_company(), new_person()
        self._grants = count(1)
        self.seals: list[str] = []
        self.custodian, _ = two_custodians(self.issuer)
        self.visitors = self._everybody()
        for name in ("depositor", "colleague"):
            grant_what_is_missing(
                house.wired.workshop, self._actor(name), two_custodians, at=datetime.now(UTC)
            )
        self.feed_from = self._head_of_feed()
        self.case, self.certificate = self._deposit(self.company)
        self.material = self.new_material()
        self._deposit(self.another)
        self.use = self.new_use()
        self.seal = self.new_seal()
        self.grant = self.new_grant()
        self.stopped, self.proposed = self.new_seal(SealAct.STOP), self.new_seal(SealAct.PROPOSE_RESUMPTION)
        self.webhook = self.new_webhook()
        self.imported = self.new_import()
        self.disputes_from = str(uuid7(datetime.now(UTC)))
        self.dispute = self.new_dispute()
        self.answered_anyone: dict[str, int] = {}
        self.consent, self.delegation = self.new_consent(), self.new_delegation()
        self.held = Thing(Resource(Kind.HOLDER), {}, {}, self.certificate.mark)
        self._let_ask("bank with a consent")

    def context_of(self, who: str) -> Context:
        """What somebody asks for, and what it rests on."""
        return Context("办理", "SL-1", PRESALE, self.issuer, self.visitors[who].footing)

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
            "bank": self._bank(),
            "bank with a consent": self._bank(),
            "holder": self._person(Role.HOLDER, code=self.company),
            "another holder": self._person(Role.HOLDER, code=self.another),
            "delegate": self._person(Role.HOLDER, code=self.helper),
            "clerk of nobody": self._person(Role.CLERK),
        }
        for role in STAFF:
            found[f"{role.value} here"] = self._person(role, organisation=self.issuer)
            found[f"{role.value} elsewhere"] = self._person(role, organisation=self.other)
        assert set(found) == set(NAMES)
        return found

    def _bank(self) -> Visitor:
        """An organisation that asks by consent."""
        return self._client(standing=ByConsent(new_company()["code"]))

    def _let_ask(self, name: str) -> None:
        """The first holder consents to what an organisation asks for the item, whatever it says of why."""
        actor = self.visitors[name].actor
        assert isinstance(actor, ClientGrant)
        assert isinstance(actor.standing, ByConsent)
        given = self._done("POST", "/v1/me/consents", who="holder", json=self.consent_to(actor.standing))
        footing = Consented((UUID(given["consent_id"]),))
        self.visitors[name] = replace(self.visitors[name], footing=footing)

    def _client(
        self, *authorities: str, types: frozenset[str] | None = None, standing: Standing = BY_FUNCTION
    ) -> Visitor:
        workshop, name = self.house.wired.workshop, f"visitor-{secrets.token_hex(4)}"
        now = datetime.now(UTC)
        made = signin.add_client(
            workshop, name, "样例系统", frozenset(authorities), types=types, standing=standing, at=now
        )
        form = {"grant_type": "client_credentials"}
        token = self.caller("POST", "/oauth/token", data=form, auth=(name, made.secret)).json()[
            "access_token"
        ]
        footing = standing if isinstance(standing, Statutory) else None
        return Visitor(signin.client_by_id(workshop, name), {"authorization": f"Bearer {token}"}, footing)

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
        makers: dict[str, Callable[[], Thing]] = {
            "certificate": lambda: self._deposit(self.company)[1],
            "material": self.new_material,
            "use": self.new_use,
            "code": self.new_use,
            "webhook": self.new_webhook,
            "seal": self.new_seal,
            "stopped seal": lambda: self.new_seal(SealAct.STOP),
            "proposed seal": lambda: self.new_seal(SealAct.PROPOSE_RESUMPTION),
            "grant": self.new_grant,
            "dispute": self.new_dispute,
            "consent": self.new_consent,
            "delegation": self.new_delegation,
        }
        return makers[name]()

    def thing(self, name: str) -> Thing:
        """The thing of this name."""
        things = {
            "case": self.case,
            "import": self.imported,
            "certificate": self.certificate,
            "material": self.material,
            "use": self.use,
            "code": self.use,
            "webhook": self.webhook,
            "seal": self.seal,
            "stopped seal": self.stopped,
            "proposed seal": self.proposed,
            "grant": self.grant,
            "dispute": self.dispute,
            "consent": self.consent,
            "delegation": self.delegation,
            "held": self.held,
        }
        return things[name]

    def new_case(self) -> dict[str, Any]:
        """A deposit of A that nobody made before."""
        request = example_request(self.house.catalogue, CONSTRUCTION)
        request["results"][0]["issuing_authority"] = self.issuer
        return request

    def register(self) -> dict[str, Any]:
        """An import of a register that every system has uploaded."""
        content = f"number,note\n{secrets.token_hex(8)},x\n".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        for name, visitor in self.visitors.items():
            if isinstance(visitor.actor, ClientGrant):
                headers = {"content-type": "text/csv"}
                self.call(name, "PUT", f"/v1/uploads/{sha256}", content=content, headers=headers)
        mapping = {"columns": {"number": "number"}, "constants": {"type": self.kind.code}}
        return {"manifest": {"sha256": sha256, "name": "register.csv"}, "mapping": mapping}

    def new_import(self) -> Thing:
        """An import that the depositor asked for."""
        made = self._done("POST", "/v1/imports", json=self.register())
        return _thing(Resource(Kind.CASE, by=self._actor("depositor")), "import_id", made["import_id"])

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

    def new_dispute(self) -> Thing:
        """A dispute of the certificate, by its holder, that nobody decided about."""
        statement = f"住所有误 {secrets.token_hex(4)}"
        body = {**self.certificate.place, "kind": "wrong_data", "statement": statement}
        made = self._done("POST", "/v1/me/disputes", json=body, who="holder")
        holders = holder_of(self.company)
        resource = Resource(Kind.DISPUTE, self.issuer, self.kind.code, holders=holders)
        return _thing(resource, "dispute_id", made["dispute_id"])

    def consent_to(self, standing: ByConsent) -> dict[str, Any]:
        """A consent that nobody gave before."""
        return {
            "organisation": standing.organisation,
            "types": [self.kind.code],
            "service_item": PRESALE,
            "valid_to": self._last_day(),
            "uses": 500 + next(self._grants),
        }

    def new_consent(self) -> Thing:
        """A consent of the first holder to an organisation that never asks."""
        body = self.consent_to(ByConsent(new_company()["code"]))
        made = self._done("POST", "/v1/me/consents", json=body, who="holder")
        resource = Resource(Kind.CONSENT, holders=holder_of(self.company))
        return _thing(resource, "consent_id", made["consent_id"])

    def delegation_to(self, person: Holder) -> dict[str, Any]:
        """A delegation that nobody gave before."""
        return {
            "delegate": {key: person[key] for key in ("code_type", "code")},
            "types": [self.kind.code],
            "actions": ["present"],
            "valid_from": (legal_day(datetime.now(UTC)) + timedelta(days=next(self._grants))).isoformat(),
            "valid_to": self._last_day(),
        }

    def new_delegation(self) -> Thing:
        """A delegation of the first holder to the delegate."""
        made = self._done("POST", "/v1/me/delegations", json=self.delegation_to(self.helper), who="holder")
        resource = Resource(
            Kind.DELEGATION, holders=holder_of(self.company), delegates=holder_of(self.helper)
        )
        return _thing(resource, "delegation_id", made["delegation_id"])

    def _last_day(self) -> str:
        return (legal_day(datetime.now(UTC)) + timedelta(days=300)).isoformat()

    def new_seal(self, up_to: SealAct | None = None) -> Thing:
        """A seal of A under which nothing is granted: in use, stopped, or proposed to be used again."""
        workshop, now = self.house.wired.workshop, datetime.now(UTC)
        authority = self.kind.authority(self.issuer)
        assert authority is not None
        made = make_development_seal(
            workshop.database,
            SecretsFolder(self.house.settings.secrets),
            authority=self.issuer,
            authority_name=authority.name,
            algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
            centre=None,
            at=now,
        )
        self.seals.append(made.seal_id)
        if up_to is not None:
            custody.stop(workshop, made.seal_id, self.custodian, "样例", via="test", at=now)
        if up_to is SealAct.PROPOSE_RESUMPTION:
            custody.propose_resumption(
                workshop, self.custodian, made.seal_id, "样例", via="test", at=datetime.now(UTC)
            )
        resource = Resource(Kind.SEAL, self.issuer)
        return Thing(resource, {"seal_id": made.seal_id}, {"seal_id": "none-such"}, made.seal_id)

    def grant_of(self, seal_id: str) -> dict[str, Any]:
        """A grant that a custodian may make."""
        now = datetime.now(UTC)
        return {
            "seal_id": seal_id,
            "type": self.kind.code,
            "type_version": self.kind.version,
            "client_id": self._actor("depositor"),
            "daily_cap": 5,
            "valid_from": now.isoformat(),
            "valid_to": (now + timedelta(days=30)).isoformat(),
        }

    def new_grant(self) -> Thing:
        """A grant that a custodian of A made and nobody approved."""
        terms = custody.read_terms(self.grant_of(self.seal.mark))
        workshop, now = self.house.wired.workshop, datetime.now(UTC)
        [made] = custody.propose(workshop, self.custodian, [terms], via="test", at=now).grants
        return _thing(Resource(Kind.GRANT, self.issuer), "grant_id", str(made.grant_id))

    def _head_of_feed(self) -> str:
        cursor, more = "", True
        while more:
            page = self._done("GET", "/v1/changes", params={"after": cursor, "limit": 1000})
            cursor, more = page["cursor"], page["more"]
        return str(cursor)

    def stop_seals(self) -> None:
        """Nothing is left that could be used."""
        for seal_id in self.seals:
            custody.stop(
                self.house.wired.workshop, seal_id, self.custodian, "样例", via="test", at=datetime.now(UTC)
            )

    def remove_webhooks(self) -> None:
        """All but the one that can be asked for: a client has ten at most."""
        workshop, now = self.house.wired.workshop, datetime.now(UTC)
        clients = [each.actor for each in self.visitors.values() if isinstance(each.actor, ClientGrant)]
        for client in clients:
            for kept in registered(workshop, client, client.client_id, at=now):
                webhook_id = kept.state.webhook.webhook_id
                if str(webhook_id) != self.webhook.mark:
                    unregister(workshop, client, webhook_id)

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
    content = new_pdf()
    return hashlib.sha256(content).hexdigest(), content


def new_address() -> str:
    """Where nobody's webhooks go yet."""
    return f"https://receiver.example/{secrets.token_hex(6)}"


def nobody() -> str:
    """An id of nothing."""
    return str(UUID(int=secrets.randbits(128), version=4))
