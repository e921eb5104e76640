"""How certificates end: one is revoked, another superseded, and their old files say so."""

from collections.abc import Mapping
from typing import Any

import httpx

from api.cli.walk.answers import expect, genuine, json_of, said
from api.cli.walk.cases import STORIES, changed_case, revocation
from api.cli.walk.scene import Scene


def revoke(scene: Scene) -> str:
    """The restaurant loses its permit; a moment before, its file was genuine."""
    receipt = scene.receipt("restaurant")
    sealed = _sealed_file(scene, receipt)
    genuine(scene.verified(sealed))
    path = f"/v1/certificates/{receipt['certificate_id']}/status"
    decision = revocation()
    json_of(scene.machine.post(path, json=decision), 201)
    return _not_in_force(scene, sealed, "revoked", since=decision["effective_on"], why=decision["reason"])


def supersede(scene: Scene) -> str:
    """The company's licence gets its next version."""
    story = STORIES[0]
    old = scene.receipt(story.key)
    sealed = _sealed_file(scene, old)
    body = changed_case(story, scene.example(story), scene.run, old["certificate_id"])
    (new,) = json_of(scene.machine.post("/v1/deposits", json=body), 201)["receipts"]
    today = body["results"][0]["issued_on"]
    return _not_in_force(scene, sealed, "superseded", since=today, successor=new["identifier"])


def _sealed_file(scene: Scene, receipt: Mapping[str, Any]) -> bytes:
    answer = scene.machine.get(receipt["documents"][0]["href"])
    expect(answer.status_code == httpx.codes.OK, "200", said(answer))
    return answer.content


def _not_in_force(
    scene: Scene,
    sealed: bytes,
    status: str,
    *,
    since: str,
    why: str | None = None,
    successor: str | None = None,
) -> str:
    """The file that was genuine a moment ago is not in force: since when, why, in favour of what."""
    report = json_of(scene.verified(sealed), 200)
    expect(report["verdict"] == "not_in_force", "not_in_force", report["verdict"])
    shown = report["certificate"]
    expected = (status, since, why, successor)
    found = tuple(shown[name] for name in ("status", "status_effective_on", "status_reason", "successor"))
    expect(found == expected, f"{expected}", f"{found}")
    told = why if successor is None else f"后续 successor {successor}"
    return f"not_in_force, {status}, {since}: {told}"
