"""A way for each route: the request that succeeds, marked in each of its own places.

A route that has none here fails the test until it gets one. In the order of a story: what a way learns, later
ways use. Every place that a body may have must be in one of its route's ways, too.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import httpx

from api.assertions import ASSERTION_TYPE
from tests.edge.canary.at_the_desk import AT_THE_DESK
from tests.edge.canary.calls import Call
from tests.edge.canary.disputing import DISPUTING
from tests.edge.canary.granting import GRANTING
from tests.edge.canary.importing import IMPORTING
from tests.edge.canary.keeping import KEEPING
from tests.edge.canary.marks import Kind
from tests.edge.canary.my_pages import MY_PAGES
from tests.edge.canary.signing_in import by_person, come_back, go
from tests.edge.canary.story import GOOD, PRESALE, Story, Way
from tests.edge.canary.vault import WITNESS
from tests.edge.canary.watching import WATCHING
from tests.log.conftest import cosign, cosigned
from tests.programs import eventually
from vault.tlog.checkpoint import parse_checkpoint
from vault.tlog.note import parse_note

PDF = "application/pdf"
CHINA = timedelta(hours=8)


def _by_client(method: str, path: str, **more: object) -> Way:
    return lambda s: Call((method, path), headers=s.client(), **more)  # type: ignore[arg-type] # Call's own fields


def _plain(method: str, path: str, /, **at: str) -> Way:
    return lambda _: Call((method, path), at=at)


def _token(s: Story) -> Call:
    house = s.vault.house
    pair = base64.b64encode(f"{house.client.client_id}:{house.client_secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": s.mark(Kind.SECRET)}
    basic: dict[str, str | bytes] = {"authorization": f"Basic {pair}"}
    return Call(("POST", "/oauth/token"), headers=basic, data=form, learn=s.learn_token)


def _token_by_assertion(s: Story) -> Call:
    assert s.signer is not None
    assertion = s.signer.assertion(aud=f"{s.vault.base_url}/oauth/token", jti=s.mark(Kind.SECRET))
    s.marks.adopt(Kind.ASSERTION, assertion.rsplit(".", 1)[1])
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "client_id": s.signer.client_id,
    }
    return Call(("POST", "/oauth/token"), data=form)


def _type(s: Story) -> Call:
    code = next(iter(s.vault.house.catalogue.types))
    return Call(("GET", "/v1/catalogue/types/{code}"), at={"code": code})


def _upload(s: Story) -> Call:
    at = {"sha256": hashlib.sha256(s.uploaded).hexdigest()}
    headers = {**s.client(), "content-type": PDF}
    return Call(("PUT", "/v1/uploads/{sha256}"), at=at, headers=headers, content=s.uploaded)


def _deposit(s: Story) -> Call:
    body = s.deposit()
    s.case_number = body["case"]["number"]
    return Call(("POST", "/v1/deposits"), headers=s.client(), body=body, learn=s.learn_receipts)


def _deposit_of_a_file(s: Story) -> Call:
    """A handed-in file that is sealed as it is and replaces what the deposit before it made."""
    body = s.deposit()
    del body["results"][1:], body["materials"]
    body["results"][0] |= {
        "document": {"sha256": hashlib.sha256(s.uploaded).hexdigest()},
        "supersedes": s.receipts[0]["certificate_id"],
    }
    return Call(("POST", "/v1/deposits"), headers=s.client(), body=body)


def _case(path: str) -> Way:
    return lambda s: Call(("GET", path), at={"number": s.case_number}, headers=s.client())


def _of_certificate(method: str, path: str, **more: object) -> Way:
    """Of the person's certificate: the organisation's is superseded."""

    def way(s: Story) -> Call:
        at = {"certificate_id": s.receipts[1]["certificate_id"]}
        return Call((method, path), at=at, headers=s.client(), **more)  # type: ignore[arg-type] # Call's own fields

    return way


def _document(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.sealed = answer.content

    at = {"certificate_id": s.receipts[1]["certificate_id"]}
    route = ("GET", "/v1/certificates/{certificate_id}/document")
    return Call(route, at=at, query={"format": "pdf"}, headers=s.client(), learn=learn)


def _today() -> str:
    return (datetime.now(UTC) + CHINA).date().isoformat()


def _inspection(s: Story) -> Call:
    body = {"result": "passed", "inspected_on": _today(), "remark": s.mark(Kind.REASON)}
    call = _of_certificate("POST", "/v1/certificates/{certificate_id}/inspections", body=body)
    return call(s)


def _status(s: Story) -> Call:
    body = {"action": "cancel", "reason": s.mark(Kind.REASON), "effective_on": _today()}
    return _of_certificate("POST", "/v1/certificates/{certificate_id}/status", body=body)(s)


def _holdings(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.material_id = next((each["material_id"] for each in answer.json()["materials"]), s.material_id)

    body = {
        "holder": {name: s.company[name] for name in ("code_type", "code")},
        "purpose": s.mark(Kind.PURPOSE),
        "service_item": PRESALE,
        "case_number": s.mark(Kind.NAME),
    }
    return Call(("POST", "/v1/holdings"), headers=s.client(), body=body, learn=learn)


def _lookup(s: Story) -> Call:
    body = {"number": s.receipts[0]["number"], "purpose": s.mark(Kind.PURPOSE)}
    return Call(("POST", "/v1/lookups"), headers=s.client(), body=body)


def _reuse(s: Story) -> Call:
    holders = [
        {"code_type": s.company["code_type"], "code": s.company["code"], "role": "applicant"},
        {"code_type": s.person["code_type"], "code": s.person["code"], "role": "agent"},
    ]
    body = {
        "service_item": PRESALE,
        "holders": holders,
        "case_number": s.mark(Kind.NAME),
        "needed_until": _today(),
    }
    return Call(("POST", "/v1/reuse-checks"), headers=s.client(), body=body)


def _material(s: Story) -> Call:
    body = {"clerk": s.mark(Kind.CLERK), "note": s.mark(Kind.FACE)}
    route = ("POST", "/v1/materials/{material_id}/verification")
    return Call(route, at={"material_id": s.material_id}, headers=s.client(), body=body)


def _use(s: Story, **subject: str) -> Call:
    body = {
        **subject,
        "case_number": s.mark(Kind.NAME),
        "service_item": PRESALE,
        "purpose": s.mark(Kind.PURPOSE),
        "organisation": s.mark(Kind.NAME),
        "clerk": s.mark(Kind.CLERK),
        "copy": True,
    }
    return Call(("POST", "/v1/uses"), headers=s.client(), body=body, learn=s.learn_use)


def _redeem(s: Story) -> Call:
    return Call(("POST", "/v1/uses/redemptions"), headers=s.client(), body={"code": s.use["code"]})


def _of_use(method: str, path: str) -> Way:
    return lambda s: Call((method, path), at={"use_id": s.use["use_id"]}, headers=s.client())


def _webhook(s: Story) -> Call:
    url = f"{s.receiver.url}&token={s.mark(Kind.WEBHOOK)}"
    return Call(("POST", "/v1/webhooks"), headers=s.client(), body={"url": url}, learn=s.learn_webhook)


def _of_webhook(method: str, path: str, *, secret: bool = False) -> Way:
    def way(s: Story) -> Call:
        def learn(answer: httpx.Response) -> None:
            s.marks.adopt(Kind.WEBHOOK_SECRET, answer.json()["secret"])

        at = {"webhook_id": s.webhook_id}
        return Call((method, path), at=at, headers=s.client(), learn=learn if secret else None)

    return way


def _verify_by_code(s: Story) -> Call:
    receipt = s.receipts[0]
    body = {"number": receipt["number"], "code": receipt["verification_code"]}
    return Call(("POST", "/v1/verifications"), body=body)


def _verify_by_token(s: Story) -> Call:
    token = s.receipts[1]["verify_url"].partition("#t=")[2]
    return Call(("POST", "/v1/verifications"), body={"token": token})


def _verify_bytes(s: Story) -> Call:
    headers: dict[str, str | bytes] = {
        "content-type": PDF,
        "content-disposition": f'attachment; filename="{s.mark(Kind.FILE_NAME)}.pdf"',
    }
    return Call(("POST", "/v1/verifications"), headers=headers, content=s.sealed)


def _verify_form(path: str) -> Way:
    """A stranger's file, with a marked name, large enough that a framework would lay it down on disk."""

    def way(s: Story) -> Call:
        filling = b"% filling\n" * 200_000 + f"% {s.mark(Kind.FILE_CONTENT)}\n".encode()
        file = (f"{s.mark(Kind.FILE_NAME)}{s.mark(Kind.NAME)}.pdf", s.pdf() + filling, PDF)
        return Call(("POST", path), files={"file": file})

    return way


def _proof(s: Story) -> Call:
    """Once the worker has published the log, which it does every few seconds."""
    at = {"certificate_id": s.receipts[0]["certificate_id"]}
    address = f"{s.vault.base_url}/v1/log/proofs/{at['certificate_id']}"
    if s.phase == GOOD:
        eventually(lambda: httpx.get(address, trust_env=False).is_success, "the proof")
        published = httpx.get(f"{s.vault.base_url}/v1/log/checkpoint", trust_env=False)
        s.checkpoint = parse_note(published.content)
    return Call(("GET", "/v1/log/proofs/{certificate_id}"), at=at)


def _evidence(s: Story) -> Call:
    """After the proof, of the same certificate."""
    at = {"certificate_id": s.receipts[0]["certificate_id"]}
    return Call(("GET", "/v1/certificates/{certificate_id}/evidence"), at=at, headers=s.client())


def _cosignature(s: Story) -> Call:
    line = cosign(s.vault.witness, WITNESS, s.checkpoint.text, datetime.now(UTC))
    headers: dict[str, str | bytes] = {"content-type": "text/plain"}
    return Call(("POST", "/v1/log/cosignatures"), headers=headers, content=cosigned(s.checkpoint, line))


def _tile(path: str, tile: str = "") -> Way:
    """The log is small: one tile, as wide as the log is long."""

    def way(s: Story) -> Call:
        year = str((datetime.now(UTC) + CHINA).year)
        at = {"year": year, "path": f"{tile}.p/{parse_checkpoint(s.checkpoint.text).size}"}
        return Call(("GET", path), at=at)

    return way


def _form_by_code(s: Story) -> Call:
    receipt = s.receipts[0]
    form = {"number": receipt["number"], "code": receipt["verification_code"]}
    return Call(("POST", "/"), data=form)


def _form_by_token(s: Story) -> Call:
    return Call(("POST", "/v"), data={"t": s.receipts[1]["verify_url"].partition("#t=")[2]})


def _form_by_scan(s: Story) -> Call:
    return Call(("POST", "/"), data={"scanned": s.receipts[1]["verify_url"]})


STORY: tuple[Way, ...] = (
    _token,
    _token_by_assertion,
    _plain("GET", "/.well-known/jwks.json"),
    _plain("GET", "/.well-known/oauth-authorization-server"),
    _plain("GET", "/v1/catalogue/types"),
    _type,
    _plain("GET", "/v1/catalogue/service-items"),
    _plain("GET", "/v1/catalogue/service-items/{code}", code=PRESALE),
    _plain("GET", "/v1/catalogue/materials"),
    _webhook,
    _by_client("GET", "/v1/webhooks"),
    _of_webhook("POST", "/v1/webhooks/{webhook_id}/secrets", secret=True),
    _upload,
    _deposit,
    _deposit_of_a_file,
    _case("/v1/cases/{number}/may-close"),
    _case("/v1/cases/{number}"),
    _of_certificate("GET", "/v1/certificates/{certificate_id}"),
    _document,
    _inspection,
    _holdings,
    _lookup,
    _reuse,
    _material,
    lambda s: _use(s, material_id=s.material_id),
    lambda s: _use(s, certificate_id=s.receipts[1]["certificate_id"]),
    _redeem,
    _of_use("GET", "/v1/uses/{use_id}/copy"),
    lambda s: Call(("GET", "/v1/changes"), query={"after": "0", "limit": "5"}, headers=s.client()),
    _verify_by_code,
    _verify_by_token,
    _verify_bytes,
    _verify_form("/v1/verifications"),
    _proof,
    _evidence,
    _plain("GET", "/v1/statement-keys"),
    _plain("GET", "/v-worker.js"),
    _plain("GET", "/v1/log/checkpoint"),
    _plain("GET", "/v1/log/shards"),
    _tile("/v1/log/tile/{path}", "0/000"),
    _tile("/v1/log/entries/{path}", "000"),
    _cosignature,
    _tile("/v1/log/{year}/checkpoint"),
    _tile("/v1/log/{year}/tile/{path}", "0/000"),
    _plain("GET", "/"),
    _form_by_code,
    _verify_form("/"),
    _plain("GET", "/v"),
    _form_by_token,
    _form_by_scan,
    _plain("GET", "/docs"),
    _plain("GET", "/openapi.json"),
    lambda _: Call(("GET", "/signin"), query={"to": "/my"}),
    go,
    come_back,
    *IMPORTING,
    *KEEPING,
    *WATCHING,
    by_person("GET", "/v1/me/certificates"),
    by_person("GET", "/v1/me/certificates/{certificate_id}/document", format="pdf"),
    *AT_THE_DESK,
    *DISPUTING,
    *GRANTING,
    *MY_PAGES,
    by_person("DELETE", "/v1/me/uses/{use_id}"),
    _of_use("POST", "/v1/uses/{use_id}/revocation"),
    _status,
    _plain("GET", "/livez"),
    _plain("GET", "/readyz"),
    _plain("GET", "/version"),
    _plain("GET", "/metrics"),
    by_person("POST", "/signout"),
    _plain("GET", "/signed-out"),
    _plain("GET", "/styleguide"),
    _plain("GET", "/signed-out/{key}", key="local"),
    _plain("GET", "/signout/{key}", key="local"),
    _of_webhook("DELETE", "/v1/webhooks/{webhook_id}"),
)
"""Every way, in the order of the story."""

RENEWING: tuple[Way, ...] = (
    _token,
    _webhook,
    _upload,
    _deposit,
    _holdings,
    lambda s: _use(s, certificate_id=s.receipts[1]["certificate_id"]),
    go,
    come_back,
    go,
)
"""What the story has used up, made anew."""
