"""Who calls and what they have: a client, a person, a certificate; everything marked, everything kept."""

import hashlib
import io
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pikepdf
from fastapi import FastAPI

from api.cli.browser import read
from api.local_provider.book import Account
from api.local_provider.founding import account
from tests.edge.canary.calls import Browser, Call
from tests.edge.canary.marks import Kind, Marks
from tests.edge.canary.vault import Vault
from tests.edge.test_tokens_over_http import Signer
from tests.provider import outside
from tests.receivers import Receiver
from tests.requests import example_request
from vault.model.actors import Role
from vault.model.holders import HolderCode
from vault.tlog.note import Note

GOOD = "good requests"
SESSION, ATTEMPT = "certvault", "certvault-attempt"
PRESALE = "990100000117002"
OFFICE = "91350100M000100Y43"
ESCROW = "CL0016"
RESULTS = 2
Body = dict[str, Any]


@dataclass(slots=True)
class Story:
    """What has happened so far. `phase`: what is tried now, for findings.

    `makes`, `approves`: the sessions of two seal custodians; `session`: that of the person; `watches`: an
    operator's; `clerk`: that of a clerk, with `place` and `desk_use` on their desk.
    """

    vault: Vault
    marks: Marks
    browser: Browser
    app: FastAPI
    receiver: Receiver
    phase: str = GOOD
    bearer: str = ""
    session: str = ""
    attempt: str = ""
    makes: str = ""
    approves: str = ""
    watches: str = ""
    grant_id: str = ""
    clerk: str = ""
    place: str = ""
    desk_use: str = ""
    back: dict[str, str] = field(default_factory=dict)
    company: dict[str, str] = field(default_factory=dict)
    person: dict[str, str] = field(default_factory=dict)
    uploaded: bytes = b""
    receipts: list[Body] = field(default_factory=list)
    case_number: str = ""
    sealed: bytes = b""
    register: bytes = b""
    stock: bytes = b""
    import_id: str = ""
    material_id: str = ""
    use: Body = field(default_factory=dict)
    webhook_id: str = ""
    access_id: str = ""
    dispute_id: str = ""
    consent_id: str = ""
    delegation_id: str = ""
    received_id: str = ""
    presentation_id: str = ""
    ended_use: tuple[str, str] = ("", "")
    shown_code: str = ""
    checkpoint: Note = field(default_factory=lambda: Note("", ()))
    login: Account | None = None
    signer: Signer | None = None

    def mark(self, kind: Kind) -> str:
        """A new canary."""
        return self.marks.new(kind)

    def begin(self) -> None:
        """Somebody whose certificates these will be, and who can sign in."""
        self.company = {
            "code_type": "001",
            "code": self.mark(Kind.CREDIT_CODE),
            "name": self.mark(Kind.NAME),
        }
        self.person = {"code_type": "111", "code": self.mark(Kind.ID_NUMBER), "name": self.mark(Kind.NAME)}
        self.uploaded = self.pdf()
        self.login = account(
            self.mark(Kind.STRAY),
            self.marks.adopt(Kind.PASSWORD, secrets.token_urlsafe(12)),
            name=self.person["name"],
            roles=frozenset({Role.HOLDER, Role.CLERK}),
            code=HolderCode.parse("111", self.person["code"]),
            organisation=OFFICE,
        )
        self.vault.provider.keep(self.login)
        self.signer = Signer(self.vault.house)
        self.marks.adopt(Kind.CLIENT_SECRET, self.vault.house.client_secret)

    def send(self, call: Call) -> httpx.Response:
        """One request, kept; what a good answer hands out is learnt."""
        answer = self.browser.send(call, self.phase)
        if call.learn is not None and answer.status_code < httpx.codes.BAD_REQUEST:
            call.learn(answer)
        return answer

    @property
    def description(self) -> Body:
        """`/openapi.json`."""
        return self.app.openapi()

    def declared(self, route: tuple[str, str]) -> dict[str, set[str]]:
        """The parameters that the description has for a route, by where they stand."""
        method, path = route
        operation = self.description["paths"].get(path, {}).get(method.lower(), {})
        found: dict[str, set[str]] = {"path": set(), "query": set(), "header": set(), "cookie": set()}
        for each in operation.get("parameters", ()):
            found[each["in"]].add(each["name"])
        return found

    def pdf(self) -> bytes:
        """A small file with a canary in clear in it."""
        made = pikepdf.new()
        page = made.add_blank_page(page_size=(595, 842))
        page.Contents = made.make_stream(f"% {self.mark(Kind.FILE_CONTENT)}\n0 0 m 100 100 l S".encode())
        out = io.BytesIO()
        made.save(out, compress_streams=False)
        return out.getvalue()

    def client(self) -> dict[str, str | bytes]:
        """The header of the approval system."""
        return {"authorization": f"Bearer {self.bearer}"}

    def deposit(self) -> Body:
        """A case with everything in it: an organisation's certificate, a person's, and a material."""
        request = example_request(
            self.vault.house.catalogue,
            "食品经营许可证",
            "无犯罪记录证明",
            case_number=self.mark(Kind.CASE_NUMBER),
        )
        request["case"]["applicant"] = dict(self.company)
        food, record = request["results"]
        food["holders"], record["holders"] = [dict(self.company)], [dict(self.person)]
        for result in request["results"]:
            result["number"] = self.mark(Kind.CERTIFICATE_NUMBER)
        food["fields"] |= {
            "legal_representative": self.mark(Kind.NAME),
            "domicile": self.mark(Kind.FACE),
            "premises": self.mark(Kind.FACE),
        }
        record["fields"]["purpose"] = self.mark(Kind.FACE)
        request["materials"] = [
            {
                "type": ESCROW,
                "name": self.mark(Kind.FILE_NAME),
                "sha256": hashlib.sha256(self.uploaded).hexdigest(),
                "trust": "C",
                "holders": [dict(self.company)],
                "issued_on": "2026-11-02",
                "valid_to": None,
            }
        ]
        return request

    def learn_receipts(self, answer: httpx.Response) -> None:
        """What the deposit handed out is looked for from now on."""
        receipts = answer.json()["receipts"]
        self.receipts = receipts if len(receipts) == RESULTS else self.receipts
        for receipt in receipts:
            self.marks.adopt(Kind.VERIFICATION_CODE, receipt["verification_code"])
            self.marks.adopt(Kind.QR_TOKEN, receipt["verify_url"].partition("#t=")[2])

    def learn_use(self, answer: httpx.Response) -> None:
        """A use and its code."""
        self.use = answer.json()
        self.marks.adopt(Kind.USE_CODE, self.use["code"])

    def learn_token(self, answer: httpx.Response) -> None:
        """An access token: its signature is what nobody else can have."""
        self.bearer = answer.json()["access_token"]
        self.marks.adopt(Kind.BEARER, self.bearer.rsplit(".", 1)[1])

    def learn_webhook(self, answer: httpx.Response) -> None:
        """A webhook and its secret."""
        self.webhook_id = answer.json()["webhook_id"]
        self.marks.adopt(Kind.WEBHOOK_SECRET, answer.json()["secret"])

    def custodian(self) -> Account:
        """Somebody new who keeps the seals of the desk's authority and can sign in."""
        login = account(
            self.mark(Kind.STRAY),
            self.marks.adopt(Kind.PASSWORD, secrets.token_urlsafe(12)),
            name=self.mark(Kind.NAME),
            roles=frozenset({Role.SEAL_CUSTODIAN}),
            code=HolderCode.parse("111", self.mark(Kind.ID_NUMBER)),
            organisation=self.vault.desk.seal.authority,
        )
        self.vault.provider.keep(login)
        return login

    def learn_grant(self, answer: httpx.Response) -> None:
        """A grant that waits for its approval."""
        self.grant_id = answer.json()["grant_id"]

    def go_to_provider(self, answer: httpx.Response, login: Account) -> None:
        """From the redirect to the provider to its answer: a code that nobody has redeemed yet."""
        self.attempt = self.marks.adopt(Kind.ATTEMPT, set_cookies(answer)[ATTEMPT])
        away = answer.headers["location"]
        with outside() as elsewhere:
            form = read(elsewhere.get(away))
            entered = {"login": login.login, "password": login.password}
            back = elsewhere.post(urljoin(away, form.action or ""), data={**form.fields, **entered})
        self.back = dict(parse_qsl(urlsplit(back.headers["location"]).query))
        self.marks.adopt(Kind.OIDC_CODE, self.back["code"])
        self.marks.adopt(Kind.OIDC_STATE, self.back["state"])

    def learn_session(self, answer: httpx.Response) -> None:
        """The session's cookie."""
        self.session = self.marks.adopt(Kind.SESSION, set_cookies(answer)[SESSION])


def set_cookies(answer: httpx.Response) -> Mapping[str, str]:
    """The cookies that an answer sets, without their attributes."""
    lines = (line.split(";")[0].partition("=") for line in answer.headers.get_list("set-cookie"))
    return {name: value for name, _, value in lines}


Way = Callable[[Story], Call]
"""How a route is asked at this point of the story."""
