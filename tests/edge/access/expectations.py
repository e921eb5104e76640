"""What each route of `/openapi.json` is about: one line for each. A route without a line fails.

A line says which action of the rules the route is, on which thing of the scene (`tests/edge/access/scene.py`)
and how it is called; who may, and what the others are answered, follows from the rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.edge.access.scene import Scene, Thing, new_address, new_file
from tests.flows.test_reuse import new_person
from vault.model.access import Action
from vault.model.footing import ByConsent

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """How a route is asked. `on`: the thing's name; None for routes about no one thing.

    `send`: what goes with it, of httpx. `path`: what the path names beside the thing. `spare`: a permitted
    call changes the thing, so it gets one of its own. `shows`: the route is a list, which tells of the thing
    to those who may do this with it; `mark` stands there then, the thing's own if None. `before`: what is
    asked before the thing is looked for. `named`: the thing is named in the body, so that one which there is
    none of is a bad field (422).
    """

    action: Action
    on: str | None = None
    send: Callable[[Scene, Thing | None], Request] = lambda _s, _t: {}
    spare: bool = False
    shows: Action | None = None
    mark: str | None = None
    before: Action | None = None
    named: bool = False
    path: Callable[[Scene], Mapping[str, str]] = lambda _s: {}


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _status(_: Scene, __: Thing | None) -> Request:
    return {"json": {"action": "suspend", "reason": "依法暂扣", "effective_on": _today()}}


def _inspection(_: Scene, __: Thing | None) -> Request:
    return {"json": {"result": "passed", "inspected_on": _today()}}


def _holdings(scene: Scene, _: Thing | None) -> Request:
    holder = {key: scene.company[key] for key in ("code_type", "code")}
    context = {"purpose": "办理", "service_item": scene.item.code, "case_number": "SL-1"}
    return {"json": {"holder": holder, **context}}


def _reuse(scene: Scene, _: Thing | None) -> Request:
    holder = {key: scene.company[key] for key in ("code_type", "code")}
    return {"json": {"service_item": scene.item.code, "holders": [holder], "case_number": "SL-1"}}


def _number(_: Scene, thing: Thing | None) -> Request:
    assert thing is not None
    return {"json": {"number": thing.more["number"], "purpose": "核对"}}


def _use(scene: Scene, thing: Thing | None) -> Request:
    assert thing is not None
    return {"json": scene.use_of(thing.place)}


def _comparison(_: Scene, __: Thing | None) -> Request:
    return {"json": {"clerk": "文样窗", "note": "与原件一致"}}


def _code(_: Scene, thing: Thing | None) -> Request:
    assert thing is not None
    return {"json": {"code": thing.more.get("code", "q0Zc3vT1QmWm2mQyJ0r5aA")}}


def _upload(_: Scene, __: Thing | None) -> Request:
    content = _FILES.pop()
    return {"content": content, "headers": {"content-type": "application/pdf"}}


def _seal_grant(scene: Scene, thing: Thing | None) -> Request:
    assert thing is not None
    return {"json": scene.grant_of(thing.mark)}


def _disputed(_: Scene, thing: Thing | None) -> Request:
    assert thing is not None
    return {"json": {**thing.place, "kind": "wrong_data", "statement": "住所有误"}}


def _decision(_: Scene, __: Thing | None) -> Request:
    return {"json": {"decision": "accept", "reason": "已受理"}}


def _consent(scene: Scene, _: Thing | None) -> Request:
    return {"json": scene.consent_to(ByConsent(scene.another["code"]))}


def _presented(_: Scene, thing: Thing | None) -> Request:
    assert thing is not None
    return {"json": dict(thing.place)}


def _reason(_: Scene, __: Thing | None) -> Request:
    return {"json": {"reason": "样例"}}


_FILES: list[bytes] = []


def _new_digest(_: Scene) -> Mapping[str, str]:
    sha256, content = new_file()
    _FILES.append(content)
    return {"sha256": sha256}


def _tile(_: Scene) -> Mapping[str, str]:
    return {"path": "0/000", "year": "2026", "code": "11100000MB0000000X001"}


def _proof(scene: Scene) -> Mapping[str, str]:
    return scene.certificate.place


_OPEN_TILE = Cell(Action.READ_LOG, path=_tile)
_OPEN_CATALOGUE = Cell(Action.READ_CATALOGUE, path=_tile)
_OPEN_HEALTH = Cell(Action.READ_HEALTH)

EXPECTATIONS: Mapping[str, Cell] = {
    "POST /oauth/token": Cell(
        Action.SHOW_CREDENTIALS, send=lambda _s, _t: {"data": {"grant_type": "password"}}
    ),
    "GET /.well-known/jwks.json": Cell(Action.SHOW_CREDENTIALS),
    "GET /.well-known/oauth-authorization-server": Cell(Action.SHOW_CREDENTIALS),
    "GET /v1/catalogue/types": _OPEN_CATALOGUE,
    "GET /v1/catalogue/types/{code}": _OPEN_CATALOGUE,
    "GET /v1/catalogue/service-items": _OPEN_CATALOGUE,
    "GET /v1/catalogue/service-items/{code}": _OPEN_CATALOGUE,
    "GET /v1/catalogue/materials": _OPEN_CATALOGUE,
    "PUT /v1/uploads/{sha256}": Cell(Action.UPLOAD, send=_upload, path=_new_digest),
    "POST /v1/deposits": Cell(Action.ISSUE, "certificate", lambda s, _: {"json": s.new_case()}),
    "POST /v1/imports": Cell(Action.DEPOSIT, send=lambda s, _: {"json": s.register()}),
    "GET /v1/imports": Cell(Action.READ_RECEIPTS, "import", shows=Action.READ_RECEIPTS),
    "GET /v1/imports/{import_id}": Cell(Action.READ_RECEIPTS, "import"),
    "GET /v1/imports/{import_id}/results": Cell(Action.READ_RECEIPTS, "import"),
    "GET /v1/cases/{number}": Cell(Action.READ_RECEIPTS, "case"),
    "GET /v1/cases/{number}/may-close": Cell(
        Action.ASK_CLOSING, "case", shows=Action.READ_RECEIPTS, mark='"may_close":true'
    ),
    "GET /v1/certificates/{certificate_id}": Cell(Action.SEE_CERTIFICATE, "certificate"),
    "GET /v1/certificates/{certificate_id}/document": Cell(Action.FETCH_DOCUMENT, "certificate"),
    "GET /v1/certificates/{certificate_id}/evidence": Cell(Action.FETCH_DOCUMENT, "certificate"),
    "POST /v1/certificates/{certificate_id}/status": Cell(
        Action.CHANGE_STATUS, "certificate", _status, spare=True
    ),
    "POST /v1/certificates/{certificate_id}/inspections": Cell(
        Action.INSPECT, "certificate", _inspection, spare=True
    ),
    "POST /v1/holdings": Cell(Action.SEE_HELD, "held", _holdings, before=Action.SEE_HOLDINGS),
    "POST /v1/lookups": Cell(Action.FIND_BY_NUMBER, "certificate", _number, shows=Action.FIND_BY_NUMBER),
    "POST /v1/reuse-checks": Cell(Action.SEE_HELD, "held", _reuse, before=Action.CHECK_REUSE),
    "POST /v1/materials/{material_id}/verification": Cell(
        Action.VERIFY_MATERIAL,
        "material",
        _comparison,
        spare=True,
    ),
    "GET /v1/changes": Cell(
        Action.READ_CHANGE,
        "certificate",
        lambda s, _: {"params": {"after": s.feed_from}},
        shows=Action.READ_CHANGE,
    ),
    "POST /v1/webhooks": Cell(Action.KEEP_WEBHOOKS, send=lambda _s, _t: {"json": {"url": new_address()}}),
    "GET /v1/webhooks": Cell(Action.KEEP_WEBHOOKS, "webhook", shows=Action.CHANGE_WEBHOOK),
    "POST /v1/webhooks/{webhook_id}/secrets": Cell(Action.CHANGE_WEBHOOK, "webhook"),
    "DELETE /v1/webhooks/{webhook_id}": Cell(Action.CHANGE_WEBHOOK, "webhook", spare=True),
    "POST /v1/uses": Cell(Action.USE, "certificate", _use),
    "POST /v1/uses/redemptions": Cell(Action.REDEEM, "code", _code, spare=True),
    "GET /v1/uses/{use_id}/copy": Cell(Action.FETCH_COPY, "use"),
    "POST /v1/uses/{use_id}/revocation": Cell(Action.REVOKE_USE, "use", spare=True),
    "POST /v1/verifications": Cell(
        Action.VERIFY, send=lambda s, _: {"json": {"token": s.certificate.more["token"]}}
    ),
    "GET /v1/statement-keys": _OPEN_TILE,
    "GET /v1/log/checkpoint": _OPEN_TILE,
    "GET /v1/log/shards": _OPEN_TILE,
    "GET /v1/log/tile/{path}": _OPEN_TILE,
    "GET /v1/log/entries/{path}": _OPEN_TILE,
    "GET /v1/log/proofs/{certificate_id}": Cell(Action.READ_LOG, path=_proof),
    "POST /v1/log/cosignatures": Cell(Action.COSIGN, send=lambda _s, _t: {"content": b"x"}),
    "GET /v1/log/{year}/checkpoint": _OPEN_TILE,
    "GET /v1/log/{year}/tile/{path}": _OPEN_TILE,
    "GET /v1/seals": Cell(Action.SEE_SEALS, "seal", shows=Action.SEE_SEAL),
    "GET /v1/seal-grants": Cell(Action.SEE_SEALS, "grant", shows=Action.SEE_SEAL),
    "POST /v1/seal-grants": Cell(Action.KEEP_SEAL, "seal", _seal_grant, before=Action.KEEP_SEALS, named=True),
    "POST /v1/seal-grants/{grant_id}/approval": Cell(
        Action.KEEP_SEAL, "grant", spare=True, before=Action.KEEP_SEALS
    ),
    "POST /v1/seal-grants/{grant_id}/end": Cell(
        Action.KEEP_SEAL, "grant", _reason, spare=True, before=Action.KEEP_SEALS
    ),
    "POST /v1/seals/{seal_id}/stop": Cell(
        Action.STOP_SEAL, "seal", _reason, spare=True, before=Action.STOP_SEALS
    ),
    "POST /v1/seals/{seal_id}/resumption": Cell(
        Action.KEEP_SEAL, "stopped seal", _reason, spare=True, before=Action.KEEP_SEALS
    ),
    "POST /v1/seals/{seal_id}/resumption/approval": Cell(
        Action.KEEP_SEAL, "proposed seal", spare=True, before=Action.KEEP_SEALS
    ),
    "GET /v1/me/certificates": Cell(Action.LIST_OWN, "certificate", shows=Action.FETCH_OWN_DOCUMENT),
    "GET /v1/me/certificates/{certificate_id}/document": Cell(Action.FETCH_OWN_DOCUMENT, "certificate"),
    "GET /v1/me/accesses": Cell(Action.READ_OWN_ACCESSES, "use", shows=Action.REVOKE_USE_OF_OWN),
    "POST /v1/me/disputes": Cell(Action.DISPUTE, "certificate", _disputed),
    "GET /v1/me/disputes": Cell(Action.READ_OWN_DISPUTES, "dispute", shows=Action.DISPUTE),
    "GET /v1/disputes": Cell(
        Action.SEE_DISPUTES,
        "dispute",
        lambda s, _: {"params": {"after": s.disputes_from}},
        shows=Action.DECIDE_DISPUTE,
    ),
    "POST /v1/disputes/{dispute_id}/decision": Cell(Action.DECIDE_DISPUTE, "dispute", _decision, spare=True),
    "DELETE /v1/me/uses/{use_id}": Cell(Action.REVOKE_USE_OF_OWN, "use", spare=True),
    "GET /v1/me/consents": Cell(Action.LIST_CONSENTS, "consent", shows=Action.REVOKE_CONSENT),
    "POST /v1/me/consents": Cell(Action.GRANT_CONSENT, send=_consent),
    "DELETE /v1/me/consents/{consent_id}": Cell(Action.REVOKE_CONSENT, "consent", spare=True),
    "GET /v1/me/delegations": Cell(Action.LIST_DELEGATIONS, "delegation", shows=Action.END_DELEGATION),
    "POST /v1/me/delegations": Cell(
        Action.DELEGATE, send=lambda s, _: {"json": s.delegation_to(new_person())}
    ),
    "DELETE /v1/me/delegations/{delegation_id}": Cell(Action.END_DELEGATION, "delegation", spare=True),
    "POST /v1/me/presentations": Cell(Action.PRESENT, "certificate", _presented),
    "POST /v1/presentations": Cell(
        Action.SEE_PRESENTED, send=lambda _s, _t: {"json": {"code": "q0Zc3vT1QmWm2mQyJ0r5aA"}}
    ),
    "GET /livez": _OPEN_HEALTH,
    "GET /readyz": _OPEN_HEALTH,
    "GET /metrics": _OPEN_HEALTH,
    "GET /version": _OPEN_HEALTH,
}
