"""The clerk's desk over HTTP: from a typed number to a use, who may, and what goes wrong."""

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from storage.tables import audit_events, desks, use_events, uses
from tests.edge.access.scene import NAMES, Scene
from tests.flows.test_reuse import ESCROW, PRESALE, new_company, with_material
from tests.papers import new_pdf
from tests.requests import new_case_number
from vault.desk.sheets import sheet_at, take_to_hand
from vault.errors import InputError
from vault.model.actors import Person
from vault.model.desk import DeskCase, DeskHolder
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.model.service_item import HolderRole

pytestmark = pytest.mark.engines

HERE, ELSEWHERE = "clerk here", "clerk elsewhere"
HTML = {"accept": "text/html"}
WEBP = b"RIFF"


def post(scene: Scene, path: str, who: str = HERE, **data: object) -> httpx.Response:
    return scene.call(who, "POST", f"/desk/{path}", data=data, headers=HTML)


def page(scene: Scene, who: str = HERE) -> str:
    answer = scene.call(who, "GET", "/desk", headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def case(scene: Scene, **changes: object) -> dict[str, Any]:
    return {
        "number": new_case_number(),
        "item": PRESALE,
        "applicant": scene.company["code"],
        "purpose": "办理预售许可",
        **changes,
    }


def filled_in(scene: Scene, **changes: object) -> tuple[str, str]:
    """A case at hand: its place on the sheet, and the page."""
    answer = post(scene, "case", **case(scene, **changes))
    assert answer.status_code == 303, answer.text
    shown = page(scene)
    found = re.search(r'name="turn" value="done"><input type="hidden" name="place" value="([^"]+)"', shown)
    assert found is not None, shown
    return found[1], shown


def actor(scene: Scene, who: str = HERE) -> Person:
    found = scene.visitors[who].actor
    assert isinstance(found, Person)
    return found


def test_from_a_typed_number_to_a_use(scene: Scene) -> None:
    place, shown = filled_in(scene)
    assert scene.certificate.more["number"] in shown
    assert "欧阳样例" in shown or "可用" in shown
    answer = post(scene, "use", **use_of(scene, place))
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk#line-construction")
    shown = page(scene)
    assert "已用证" in shown
    assert "，办理预售许可" in shown
    copy = re.search(r'href="(/desk/copies/[^"]+)"', shown)
    assert copy is not None
    file = scene.call(HERE, "GET", copy[1])
    assert file.content.startswith(b"%PDF-")
    assert file.headers["content-disposition"].startswith("inline")
    assert scene.call(ELSEWHERE, "GET", copy[1]).status_code == 404
    [access] = [
        each
        for each in scene.call("holder", "GET", "/v1/me/accesses").json()["accesses"]
        if each["use"] is not None and each["use"]["use_id"] in copy[1] and each["action"] == "use-make"
    ]
    assert access["who"]["organisation"] == scene.item.authority.name


def use_of(scene: Scene, place: str, **changes: object) -> dict[str, Any]:
    """The button's form."""
    about = {"kind": "certificate", "subject": scene.certificate.mark, "copy": "yes"}
    return {"place": place, **about, "line": "line-construction", **changes}


def uses_of(scene: Scene) -> int:
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        mine = select(uses.c.id).where(uses.c.person_id == actor(scene).person_id)
        return len(db.execute(mine).all())


def test_a_double_click_is_one_use_and_a_code_is_shown_once(scene: Scene) -> None:
    place, _ = filled_in(scene)
    before = uses_of(scene)
    for _ in range(3):
        assert post(scene, "use", **use_of(scene, place)).status_code == 303
    assert uses_of(scene) == before + 1
    shown = post(scene, "use", **use_of(scene, place, code="yes"))
    assert shown.status_code == 200
    code = re.search(r"<code>([A-Za-z0-9_-]{22})</code>", shown.text)
    assert code is not None
    assert uses_of(scene) == before + 1
    assert code[1] not in page(scene)
    redeemed = scene.call("receiver", "POST", "/v1/uses/redemptions", json={"code": code[1]})
    assert redeemed.status_code == 201


def test_a_use_that_is_taken_back_is_not_made_again_by_the_same_key(scene: Scene) -> None:
    place, _ = filled_in(scene)
    post(scene, "use", **use_of(scene, place))
    use_id = re.search(r'name="use" value="([^"]+)"', page(scene))
    assert use_id is not None
    for who, status in ((ELSEWHERE, 404), ("holder", 403), (HERE, 303)):
        answer = post(scene, "revocation", who, place=place, use=use_id[1], line="line-construction")
        assert answer.status_code == status, who
    assert "已撤回或到期的用证：1" in page(scene)
    again = post(scene, "use", **use_of(scene, place))
    assert again.status_code == 409
    assert "没有用成" in again.text
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        made = select(use_events.c.action).where(use_events.c.use_id == use_id[1]).order_by(use_events.c.id)
        assert [row.action for row in db.execute(made)] == ["make", "revoke"]


@pytest.mark.parametrize("who", NAMES)
def test_everybody_at_every_form(scene: Scene, who: str) -> None:
    """Clerks of an organisation work here; other people are told so, and the rest is led to sign in."""
    place, _ = filled_in(scene)
    wanted = 303 if who in {HERE, ELSEWHERE} else 403
    visitor = scene.visitors[who]
    if not isinstance(visitor.actor, Person):
        wanted = 303
    answers = {
        "GET /desk": scene.call(who, "GET", "/desk", headers=HTML),
        "POST case": post(scene, "case", who, **case(scene)),
        "POST queue": post(scene, "queue", who, numbers=new_case_number()),
        "POST turn": post(scene, "turn", who, turn="another"),
    }
    is_clerk = who in {HERE, ELSEWHERE}
    for name, answer in answers.items():
        if not is_clerk:
            assert answer.status_code == wanted, name
            assert place not in answer.text
            assert answer.headers.get("location", "/signin?to=/desk") == "/signin?to=/desk"
    # What lies on another clerk's desk is not there for anybody else, whatever they are.
    if who != HERE:
        picture = f"/desk/pictures/{place}/certificate/{scene.certificate.mark}"
        refused = {
            "use": post(scene, "use", who, **use_of(scene, place)),
            "revocation": post(scene, "revocation", who, place=place, use=scene.use.mark),
            "paper": post(scene, "paper", who, place=place),
            "picture": scene.call(who, "GET", picture, headers=HTML),
            "copy": scene.call(who, "GET", f"/desk/copies/{scene.use.mark}", headers=HTML),
        }
        for name, answer in refused.items():
            assert answer.status_code == (404 if is_clerk else wanted), name


def test_a_clerk_elsewhere_handles_no_such_item(scene: Scene) -> None:
    answer = post(scene, "case", ELSEWHERE, **case(scene))
    assert answer.status_code == 422
    assert "贵单位没有这个事项" in answer.text
    assert scene.certificate.more["number"] not in answer.text


def test_another_site_sends_no_form(scene: Scene) -> None:
    for path in ("case", "queue", "turn", "use", "revocation", "verification", "paper"):
        headers = {**HTML, "sec-fetch-site": "cross-site"}
        answer = scene.call(HERE, "POST", f"/desk/{path}", data={"place": "x"}, headers=headers)
        assert answer.status_code == 403, path


def test_every_slip_stands_at_its_field_and_what_was_typed_stays(scene: Scene) -> None:
    wrong = scene.company["code"][:-1] + ("0" if scene.company["code"][-1] != "0" else "1")
    answer = post(
        scene, "case", number=" ", item="许可", applicant=wrong, needed_until="2020-01-01", purpose="办" * 61
    )
    assert answer.status_code == 422
    shown = answer.text
    for name in ("number", "item", "applicant", "needed_until", "purpose"):
        assert f'href="#{name}"' in shown, name
        assert f'id="{name}-error"' in shown, name
    assert "请改正以下 5 处" in shown
    assert f'value="{wrong}"' in shown
    assert wrong not in str(answer.headers) + str(answer.url)
    assert "这个统一社会信用代码有误" in shown
    english = scene.call(
        HERE,
        "POST",
        "/desk/case",
        data={"applicant": "123"},
        headers={**HTML, "cookie": cookie(scene, "lang=en")},
    )
    assert "has 18 characters, this has 3" in english.text
    person = post(scene, "case", **case(scene, applicant="11010519491231002X"))
    assert "申请人须是单位" in person.text
    assert "11010519491231002X" in person.text


def cookie(scene: Scene, more: str) -> str:
    return f"{scene.visitors[HERE].headers['cookie']}; {more}"


def test_a_scanned_certificate_names_its_holder_and_is_told_to_them(scene: Scene) -> None:
    address = f"http://vault.example/v#t={scene.certificate.more['token']}"
    _, shown = filled_in(scene, applicant=address)
    assert scene.company["code"] in shown
    assert scene.certificate.more["number"] in shown
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        mine = select(audit_events).where(audit_events.c.actor == actor(scene).actor)
        found = [row.action for row in db.execute(mine.order_by(audit_events.c.id.desc()).limit(3))]
    assert {"scan", "reuse-check"} <= set(found)
    told = scene.call("holder", "GET", "/v1/me/accesses").json()["accesses"]
    assert any("扫码核对了出示的" in each["summary"]["zh"] for each in told)
    nothing = post(scene, "case", **case(scene, applicant=f"http://vault.example/v#t={'A' * 22}"))
    assert (nothing.status_code, "没有这个二维码" in nothing.text) == (422, True)


def test_whoever_was_scanned_is_masked_in_the_form_and_stays(scene: Scene) -> None:
    workshop, clerk, at = scene.house.wired.workshop, actor(scene), datetime.now(UTC)
    people = [
        DeskHolder(HolderRole.APPLICANT, HolderCode.parse("001", scene.company["code"])),
        DeskHolder(HolderRole.AGENT, HolderCode.parse("111", scene.helper["code"]), scanned=True),
    ]
    asked = DeskCase(uuid4(), new_case_number(), service_item=PRESALE, holders=tuple(people), purpose="办理")
    take_to_hand(workshop, clerk, asked, at=at)
    shown = page(scene)
    assert scene.helper["code"] not in shown
    assert f'value="{people[1].code.masked()}"' in shown
    sent = case(scene, place=asked.place, number=asked.number, agent=people[1].code.masked())
    assert post(scene, "case", **sent).status_code == 303
    kept = sheet_at(workshop, clerk, at=datetime.now(UTC)).case(asked.place)
    assert kept is not None
    assert kept.holders == tuple(people)


def test_an_item_that_went_to_others_leaves_the_page_usable(scene: Scene) -> None:
    at, holder = datetime.now(UTC), HolderCode.parse("001", scene.company["code"])
    holders = (DeskHolder(HolderRole.APPLICANT, holder),)
    asked = DeskCase(uuid4(), new_case_number(), service_item=PRESALE, holders=holders, purpose="办理")
    take_to_hand(scene.house.wired.workshop, actor(scene, ELSEWHERE), asked, at=at)
    assert "这个事项的要求已有变动" in page(scene, ELSEWHERE)


def test_only_a_copy_that_cannot_be_made_is_told_as_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, _ = filled_in(scene)

    def refuses(pointer: str) -> Callable[..., None]:
        def use_held(*_: object, **__: object) -> None:
            raise InputError.at(pointer, "x")

        return use_held

    for pointer, says in (("/copy", "做不成加注件"), ("/service_item", "已不能用来用证")):
        monkeypatch.setattr("vault.desk.use_held", refuses(pointer))
        answer = post(scene, "use", **use_of(scene, place))
        assert (answer.status_code, says in answer.text) == (422, True), pointer


def test_the_page_of_what_is_held_and_of_nothing_else(scene: Scene, app: FastAPI) -> None:
    place, _ = filled_in(scene)
    address = f"/desk/pictures/{place}/certificate/{scene.certificate.mark}"
    with app.state.edge.judges:  # who draws stands ready where a server runs
        answer = scene.call(HERE, "GET", address, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.content.startswith(WEBP)
    assert answer.headers["cache-control"] == "no-store"
    told = scene.call("holder", "GET", "/v1/me/accesses").json()["accesses"]
    assert any("查看了《" in each["summary"]["zh"] and "版面" in each["summary"]["zh"] for each in told)
    # Of the same issuer, and so within the clerk's reach elsewhere, but another holder's.
    strange, other = filled_in(scene, applicant=new_company()["code"])
    assert scene.certificate.more["number"] not in other
    refused = scene.call(HERE, "GET", f"/desk/pictures/{strange}/certificate/{scene.certificate.mark}")
    assert refused.status_code == 404
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        newest = select(audit_events).where(audit_events.c.actor == actor(scene).actor)
        row = db.execute(newest.order_by(audit_events.c.id.desc())).first()
    assert row is not None
    assert row.action == "refused-page"


def test_a_material_is_compared_and_then_held(scene: Scene, app: FastAPI) -> None:
    company, today = new_company(), legal_day(datetime.now(UTC)).isoformat()
    with_material(scene.house, company, ESCROW, "C", issued_on=today)
    place, shown = filled_in(scene, applicant=company["code"])
    assert "/desk/verification" in shown
    found = re.search(r'name="material" value="([^"]+)"', shown)
    assert found is not None
    with app.state.edge.judges:
        picture = scene.call(HERE, "GET", f"/desk/pictures/{place}/material/{found[1]}")
    assert picture.content.startswith(WEBP)
    for _ in range(2):
        done = post(scene, "verification", place=place, material=found[1], line="line-escrow")
        assert done.headers["location"] == "/desk#line-escrow"
    shown = page(scene)
    assert "/desk/verification" not in shown
    used = {"place": place, "kind": "material", "subject": found[1], "copy": "yes", "line": "line-escrow"}
    assert post(scene, "use", **used).status_code == 303
    assert "已用证" in page(scene)


def paper_of(scene: Scene, place: str, **changes: object) -> dict[str, Any]:
    return {
        "place": place,
        "kind": "CL0016",
        "holder": "0",
        "holder_name": scene.company["name"],
        "issued_on": datetime.now(UTC).date().isoformat(),
        "compared": "yes",
        **changes,
    }


def sent_paper(scene: Scene, place: str, content: bytes, **changes: object) -> httpx.Response:
    return scene.call(
        HERE,
        "POST",
        "/desk/paper",
        data=paper_of(scene, place, **changes),
        files={"file": ("scan.pdf", content, "application/pdf")},
        headers=HTML,
    )


def test_a_paper_on_the_counter_becomes_a_material_of_level_b(scene: Scene) -> None:
    company = new_company()
    place, before = filled_in(scene, applicant=company["code"])
    assert "请申请人提交《预售资金监管协议》" in before
    content = new_pdf()
    for _ in range(2):  # an impatient click
        done = sent_paper(scene, place, content)
        assert (done.status_code, done.headers.get("location")) == (303, "/desk#paper"), done.text
    after = page(scene)
    assert "收存，可信等级 B" in after
    question = {
        "holder": {name: company[name] for name in ("code_type", "code")},
        "purpose": "核对",
        "service_item": PRESALE,
        "case_number": "SL-1",
    }
    [held] = scene.call(HERE, "POST", "/v1/holdings", json=question).json()["materials"]
    assert (held["trust"], held["source"]) == ("B", f"{scene.item.authority.name}（窗口）")
    assert held["verification"]["clerk"] == "文样窗"
    assert held["verification"]["client"] == actor(scene).actor


def test_a_paper_with_slips_is_not_kept(scene: Scene) -> None:
    place, _ = filled_in(scene, applicant=new_company()["code"])
    answer = sent_paper(
        scene, place, b"no pdf", holder_name="", compared="", kind="CL9999", issued_on="2999-01-01"
    )
    assert answer.status_code == 422
    for name in ("kind", "holder_name", "issued_on", "compared"):
        assert f'href="#{name}"' in answer.text, name
    refused = sent_paper(scene, place, b"no pdf")
    assert "只收结构完好" in refused.text
    assert f'value="{scene.company["name"]}"' in refused.text
    assert "请申请人提交《预售资金监管协议》" in page(scene)


def test_a_queue_is_worked_through(scene: Scene) -> None:
    numbers = [f"YS-{secrets.token_hex(4)}" for _ in range(4)]
    pasted = "\r\n".join([numbers[0], f" {numbers[1]} ", numbers[1], "", f"{numbers[2]},{numbers[3]}"])
    post(scene, "turn", turn="another")
    assert post(scene, "queue", numbers=pasted).status_code == 303
    shown = page(scene)
    assert [shown.count(f">{each}<") for each in numbers] == [1, 1, 1, 1]
    at_hand = re.search(r'id="number" name="number" type="text" value="([^"]*)"', shown)
    assert at_hand is not None
    place = re.search(
        rf'value="([^"]+)">\s*<button type="submit"><span class="desk-case-number">{numbers[0]}<', shown
    )
    assert place is not None
    post(scene, "turn", turn="open", place=place[1])
    assert f'value="{numbers[0]}"' in page(scene)
    post(scene, "turn", turn="skip", place=place[1])
    assert f'value="{numbers[1]}"' in page(scene)
    post(scene, "turn", turn="open", place=place[1])
    assert f'value="{numbers[0]}"' in page(scene)
    post(scene, "turn", turn="remove", place=place[1])
    assert numbers[0] not in page(scene)
    for wrong in ("", "x" * 129, "a\x00b"):
        answer = post(scene, "queue", numbers=wrong)
        assert answer.status_code == 422
        assert 'id="numbers-error"' in answer.text


def test_nothing_of_a_case_stands_in_clear_in_the_database_or_in_an_address(scene: Scene) -> None:
    number = f"CLEAR-{secrets.token_hex(6)}"
    _, shown = filled_in(scene, number=number)
    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', shown)
    assert not any(number in each or scene.company["code"] in each for each in addresses)
    database = scene.house.wired.workshop.database
    with database.reading(VAULT) as db:
        rows = db.execute(text("SELECT each::text FROM desks each")).scalars().all()
        mine = db.execute(select(desks).where(desks.c.id == actor(scene).person_id)).all()
    assert mine
    assert not any(number in row or scene.company["code"] in row for row in rows)
