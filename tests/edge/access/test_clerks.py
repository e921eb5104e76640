"""A clerk who signed in: what they see of their own organisation's, and of others' for a case."""

from typing import Any

import pytest
from sqlalchemy import select

from storage.tables import audit_events
from tests.edge.access.scene import Scene
from tests.requests import new_case_number
from vault.model.actors import Person

pytestmark = pytest.mark.engines

HERE, ELSEWHERE = "clerk here", "clerk elsewhere"


def question(scene: Scene, **changes: object) -> dict[str, Any]:
    holder = {key: scene.company[key] for key in ("code_type", "code")}
    case = {"purpose": "办理", "service_item": scene.item.code, "case_number": new_case_number()}
    return {"holder": holder, **case, **changes}


def newest_event(scene: Scene, name: str) -> Any:  # noqa: ANN401 - a row
    actor = scene.visitors[name].actor
    assert isinstance(actor, Person)
    mine = select(audit_events).where(audit_events.c.actor == actor.actor).order_by(audit_events.c.id.desc())
    with scene.house.wired.workshop.database.reading() as db:
        return db.execute(mine).first()


def test_what_a_clerk_sees_is_recorded_with_person_and_organisation(scene: Scene) -> None:
    held = scene.call(HERE, "POST", "/v1/holdings", json=question(scene))
    assert scene.certificate.mark in held.text
    event = newest_event(scene, HERE)
    assert (event.action, event.details["organisation"]) == ("holdings", scene.issuer)
    assert "文样窗" not in repr(tuple(event))
    seen = scene.call(HERE, "GET", f"/v1/certificates/{scene.certificate.mark}")
    assert (seen.status_code, newest_event(scene, HERE).action) == (200, "view")
    refused = scene.call(ELSEWHERE, "GET", f"/v1/certificates/{scene.certificate.mark}")
    assert (refused.status_code, newest_event(scene, ELSEWHERE).action) == (404, "refused-view")


@pytest.mark.parametrize("left_out", ["case_number", "service_item"])
def test_a_clerk_says_for_which_case_and_item(scene: Scene, left_out: str) -> None:
    refused = scene.call(HERE, "POST", "/v1/holdings", json=question(scene, **{left_out: None}))
    assert refused.status_code == 403
    assert "a case is named" in refused.json()["detail"]
    assert scene.call(HERE, "POST", "/v1/holdings", json=question(scene, service_item="1")).status_code == 403


def test_a_use_from_a_clerks_hand_to_its_end(scene: Scene) -> None:
    body = {**scene.use_of(scene.certificate.place), "copy": True}
    for name in ("clerk", "organisation"):
        answer = scene.call(HERE, "POST", "/v1/uses", json={**body, name: "某人"})
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{name}"]
    answer = scene.call(HERE, "POST", "/v1/uses", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["organisation"], made["clerk"]) == (scene.item.authority.name, "文样窗")
    assert scene.call(HERE, "POST", "/v1/uses", json=body).json()["use_id"] == made["use_id"]

    copy, revocation = made["copy"]["href"], f"/v1/uses/{made['use_id']}/revocation"
    for name in ("depositor", ELSEWHERE, "clerk of nobody", "issuer here", "holder"):
        assert scene.call(name, "GET", copy).status_code == 404, name
        assert scene.call(name, "POST", revocation).status_code == 404, name
    assert scene.call(HERE, "GET", copy).status_code == 200

    [access] = [
        each
        for each in scene.call("holder", "GET", "/v1/me/accesses").json()["accesses"]
        if each["use"] is not None
        and each["use"]["use_id"] == made["use_id"]
        and each["action"] == "use-make"
    ]
    assert access["who"] == {
        "kind": "person",
        "client": None,
        "organisation": scene.item.authority.name,
        "role": "clerk",
    }
    assert access["summary"]["zh"].startswith(f"{scene.item.authority.name}的经办人员")
    assert "文样窗" not in str(access)
    assert scene.call(HERE, "POST", revocation).json()["revoked_at"] is not None
    assert scene.call(HERE, "GET", copy).status_code == 404


def test_a_material_is_compared_in_the_name_of_who_signed_in(scene: Scene) -> None:
    path = f"/v1/materials/{scene.new_material().mark}/verification"
    assert scene.call(HERE, "POST", path, json={"clerk": "某人"}).status_code == 422
    done = scene.call(HERE, "POST", path, json={"note": "与原件一致"}).json()
    assert (done["trust"], done["verification"]["clerk"]) == ("B", "文样窗")
    assert done["verification"]["client"].startswith("person:")


def test_a_token_counts_more_than_a_cookie(scene: Scene) -> None:
    """Who shows both is the system: a browser adds its cookie by itself, a token nobody adds by accident."""
    both = {**scene.visitors[ELSEWHERE].headers, **scene.visitors["depositor"].headers}
    path = f"/v1/certificates/{scene.certificate.mark}"
    assert scene.call("anyone", "GET", path, headers=both).status_code == 200
    bad = {**scene.visitors[HERE].headers, "authorization": "Bearer none"}
    assert scene.call("anyone", "GET", path, headers=bad).status_code == 401


def test_staff_without_certificates_of_their_own_have_a_page(scene: Scene) -> None:
    assert scene.call(HERE, "GET", "/my").status_code == 200
    assert scene.call(HERE, "GET", "/v1/me/certificates").status_code == 403
