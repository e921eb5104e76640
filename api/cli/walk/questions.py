"""What the approval system asks: a token, the catalogue, who holds what, what need not be handed in again."""

from typing import Any
from urllib.parse import quote_plus

import httpx

from api.cli.walk.answers import UnexpectedError, expect, json_of, sha256_of
from api.cli.walk.cases import NEXT_MISSING, next_question, next_use
from api.cli.walk.scene import Scene

TYPES_MIN = 24
FEED_PAGE = 1000  # entries of one page of the feed


def token(scene: Scene) -> str:
    """An access token, which the machine shows from now on."""
    client = scene.city.client
    basic = httpx.BasicAuth(quote_plus(client.client_id), quote_plus(client.secret))
    answer = scene.machine.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
    found = json_of(answer, 200)
    scene.machine.headers["Authorization"] = f"Bearer {found['access_token']}"
    return f"{client.client_id}, {found['expires_in']} s"


def catalogue(scene: Scene) -> str:
    """The kinds that may be deposited."""
    types = json_of(scene.machine.get("/v1/catalogue/types"), 200)["types"]
    expect(len(types) >= TYPES_MIN, f"at least {TYPES_MIN} types", f"{len(types)}")
    return f"{len(types)} 种 kinds"


def holdings(scene: Scene) -> str:
    """What the holder has, by the code on the identity card."""
    code = scene.holder.code
    if code is None:
        raise UnexpectedError("Expected a holder with a code, got none.")
    question = {
        "holder": {"code_type": code.code_type, "code": code.value},
        "purpose": "演示 demonstration",
    }
    found = json_of(scene.machine.post("/v1/holdings", json=question), 200)["certificates"]
    wanted = {scene.receipt(key)["certificate_id"] for key in ("home", "marriage")}
    expect(wanted <= {c["certificate_id"] for c in found}, "home and marriage", f"{len(found)} others")
    return f"{len(found)} 件 certificates"


def reuse(scene: Scene) -> str:
    """The company that may build applies for its next item: all but one material is held already."""
    lines = json_of(scene.machine.post("/v1/reuse-checks", json=next_question(scene.run)), 200)["lines"]
    held = [line for line in lines if line["state"] == "held"]
    missing = [line for line in lines if line["state"] != "held"]
    named = ", ".join(f"{line['requirement']} {line['state']}" for line in missing)
    as_expected = [(NEXT_MISSING, "not_held")]
    found = [(line["requirement"], line["state"]) for line in missing]
    expect(found == as_expected, f"all held but {NEXT_MISSING}", named)
    (last,) = missing
    return f"{len(held)} 项已有 held · 缺 missing: {last['name']} ({last['why']})"


def use(scene: Scene) -> str:
    """A clerk uses the construction permit for the next case: a code, and a copy that says what for."""
    question = next_use(scene.receipt("building")["certificate_id"], scene.run)
    made = json_of(scene.machine.post("/v1/uses", json=question), 201)
    answer = scene.machine.get(made["copy"]["href"])
    expect(sha256_of(answer) == made["copy"]["sha256"], "the digest of the answer", "another")
    report = json_of(scene.verified(answer.content), 200)
    expect(report["verdict"] == "genuine", "genuine", report["verdict"])
    expect(report["usage_copy"]["purpose"] == question["purpose"], "the purpose", "another")
    scene.copy = answer.content
    redeemed = scene.machine.post("/v1/uses/redemptions", json={"code": made["code"]})
    number = json_of(redeemed, 201)["certificate"]["number"]
    until = report["usage_copy"]["valid_until"]
    return f"{number} · 加注件 copy {len(scene.copy) / 1000:.0f} kB, until {until} · 用证码 code redeemed"


def changes(scene: Scene) -> str:
    """Everything that was deposited is in the feed, page by page from its start."""
    seen: list[dict[str, Any]] = []
    page: dict[str, Any] = {"cursor": "0", "more": True}
    while page["more"]:
        asked = scene.machine.get("/v1/changes", params={"after": page["cursor"], "limit": FEED_PAGE})
        page = json_of(asked, 200)
        seen += page["changes"]
    missing = {c["certificate_id"] for c in scene.certificates} - {c.get("certificate_id") for c in seen}
    expect(bool(scene.certificates) and not missing, "every deposit in it", f"{len(missing)} missing")
    return f"{len(seen)} 条 entries, cursor {page['cursor']}"
