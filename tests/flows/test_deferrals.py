"""Orders that defer: what they cover is shown on its day and says so; nothing is deleted or taken back."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from storage.tables import audit_events, deferral_orders
from tests.conftest import House, behind_a_cutting_wire
from tests.flows.holder_scene import Scene, history, looked, shown
from tests.flows.test_reuse import CONSTRUCTION, given, new_company
from tests.flows.test_uses import asked, used
from tests.trials import now
from vault.accesses import list_orders, order_json, read_order, record_order
from vault.auditing import Auditor, AuditQuestion, find
from vault.disputes import read_dispute, submit
from vault.errors import Conflict, InputError, NotFound, Unavailable
from vault.log import moment
from vault.model.access import MACHINE
from vault.model.deferral import ORDER_DAYS_MAX, DeferralOrder
from vault.model.history_entry import access_id
from vault.model.legal_time import day_begins, legal_day
from vault.workshop import Workshop

pytestmark = pytest.mark.engines


def order(scene: Scene | None = None, *, days: int = 30, **changes: object) -> dict[str, Any]:
    return {
        "kind": "criminal_investigation",
        "number": f"样公刑缓〔2026〕{secrets.token_hex(6)}号",
        "issuing_body": "样例市公安局",
        "legal_basis": "个人信息保护法第三十五条",
        "holder": None if scene is None else {k: scene.company[k] for k in ("code_type", "code")},
        "until": (legal_day(now()) + timedelta(days=days)).isoformat(),
        **changes,
    }


def recorded(
    house: House, request: dict[str, Any], *, at: datetime | None = None, workshop: Workshop | None = None
) -> tuple[DeferralOrder, bool]:
    at = at or now()
    return record_order(
        workshop or house.wired.workshop, MACHINE, read_order(request, at=at), by="w0120", at=at
    )


def seen(scene: Scene, at: datetime | None = None) -> list[str]:
    return [access.action for access in history(scene.house, scene.me, at=at).accesses]


def test_what_an_order_covers_is_shown_on_its_day_and_says_so(scene: Scene) -> None:
    request = order(scene)
    looked(scene, scene.receiver)
    made, _ = recorded(scene.house, request)
    used(scene.house, asked(scene.certificate, copy=False))
    assert seen(scene) == ["holdings", "deposit"], "what may have been read is not taken back"
    shown_from = day_begins(date.fromisoformat(request["until"]))
    assert made.ends_at == shown_from
    assert seen(scene, shown_from - timedelta(microseconds=1)) == ["holdings", "deposit"]
    later = history(scene.house, scene.me, at=shown_from)
    assert [a.action for a in later.accesses] == ["use-make", "holdings", "deposit"]
    entry, *others = shown(scene.house, later)
    assert entry["deferred"] == {
        "order": "criminal_investigation",
        "order_name": {"zh": "刑事侦查机关的决定", "en": "an order in a criminal investigation"},
        "shown_from": moment(shown_from),
    }
    assert "此前暂缓告知" in str(entry["summary"])
    assert [other["deferred"] for other in others] == [None, None]
    for hidden in (request["number"], request["issuing_body"], request["legal_basis"], "w0120"):
        assert hidden not in str(shown(scene.house, later))


def test_what_is_deferred_cannot_be_disputed_yet_nor_found_by_a_page(scene: Scene) -> None:
    recorded(scene.house, order(scene))
    looked(scene, scene.receiver)
    with scene.house.wired.workshop.database.reading() as db:
        query = select(func.max(audit_events.c.id)).where(audit_events.c.action == "holdings")
        hidden = db.execute(query).scalar_one()
    about = {"access_id": access_id(hidden), "kind": "unlawful_access", "statement": "?"}
    with pytest.raises(NotFound):
        submit(scene.house.wired.workshop, scene.me, read_dispute(about), at=now())
    assert history(scene.house, scene.me, limit=1).next_before is None


@pytest.mark.parametrize(
    ("scope", "hidden"),
    [
        ({}, {"holdings", "use-make"}),
        ({"case_number": "mine"}, {"holdings"}),
        ({"case_number": "mine", "holder": None}, {"holdings"}),
        ({"case_number": "SL-0"}, set()),
        ({"client": "receiver"}, {"holdings"}),
        ({"client": "suite"}, {"use-make"}),
        ({"case_number": "mine", "client": "suite"}, set()),
        ({"holder": "other"}, set()),
    ],
)
def test_an_order_covers_its_holder_case_and_client(
    scene: Scene, scope: dict[str, Any], hidden: set[str]
) -> None:
    scope = dict(scope)
    if scope.get("case_number") == "mine":
        scope["case_number"] = scene.case
    if scope.get("client") == "receiver":
        scope["client"] = scene.receiver.client_id
    if scope.get("holder") == "other":
        other = new_company()
        given(scene.house, CONSTRUCTION, other)
        scope["holder"] = {k: other[k] for k in ("code_type", "code")}
    recorded(scene.house, order(scene, **scope, days=1))
    looked(scene, scene.receiver)
    used(scene.house, asked(scene.certificate, copy=False))
    assert {"holdings", "use-make"} - set(seen(scene)) == hidden
    assert seen(scene, now() + timedelta(days=1)) == ["use-make", "holdings", "deposit"]


def test_an_auditors_look_does_not_give_away_what_is_deferred(scene: Scene) -> None:
    recorded(scene.house, order(scene, client=scene.receiver.client_id, case_number=scene.case, days=1))
    looked(scene, scene.receiver)
    question = AuditQuestion(actor=scene.receiver.client_id)
    find(scene.house.wired.workshop, Auditor("w0119", "抽查"), question, limit=9, at=now())
    assert seen(scene) == ["deposit"]
    assert seen(scene, now() + timedelta(days=1)) == ["audit-find", "holdings", "deposit"]


def test_a_renewal_goes_on_covering_and_what_has_ended_is_not_renewed(scene: Scene) -> None:
    house, today = scene.house, now()
    first, _ = recorded(house, order(scene, days=1))
    looked(scene, scene.receiver)
    renewal = order(scene, days=60, renews=str(first.order_id))
    second, _ = recorded(house, renewal)
    assert (second.covers_from, second.renews) == (first.covers_from, first.order_id)
    assert seen(scene, today + timedelta(days=2)) == ["deposit"]
    assert seen(scene, second.ends_at) == ["holdings", "deposit"]
    with pytest.raises(Conflict) as refused:
        recorded(house, order(scene, renews=str(first.order_id)))
    assert [p.pointer for p in refused.value.problems] == ["/renews"]
    with pytest.raises(InputError) as other_scope:
        recorded(house, order(scene, renews=str(second.order_id), case_number=scene.case))
    assert [p.pointer for p in other_scope.value.problems] == ["/renews"]
    ended = second.ends_at
    late = order(scene, renews=str(second.order_id), until=(legal_day(ended) + timedelta(days=9)).isoformat())
    with pytest.raises(Conflict):
        recorded(house, late, at=ended)


def test_the_same_order_again_is_the_same_and_its_number_is_nobody_elses(scene: Scene) -> None:
    request = order(scene)
    first, repeated = recorded(scene.house, request)
    assert (repeated, recorded(scene.house, request)) == (False, (first, True))
    with pytest.raises(Conflict) as refused:
        recorded(scene.house, {**request, "legal_basis": "另一条"})
    assert [p.pointer for p in refused.value.problems] == ["/number"]
    assert recorded(scene.house, {**request, "issuing_body": "样例市人民法院"})[1] is False


def test_two_at_once_record_one_order(scene: Scene) -> None:
    request, tries = order(scene), 4
    barrier = Barrier(tries)

    def one(_: int) -> tuple[DeferralOrder, bool]:
        barrier.wait()
        return recorded(scene.house, request)

    with ThreadPoolExecutor(tries) as pool:
        answers = list(pool.map(one, range(tries)))
    assert sorted(repeated for _, repeated in answers) == [False, True, True, True]
    assert len({made.order_id for made, _ in answers}) == 1


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_commit_that_was_cut_off_and_sent_again(scene: Scene, how: str) -> None:
    request = order(scene)
    with behind_a_cutting_wire(scene.house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            recorded(scene.house, request, workshop=workshop)
        assert wire_.cuts == 1
        made, repeated = recorded(scene.house, request, workshop=workshop)
    assert repeated is (how == "after")
    with scene.house.wired.workshop.database.reading() as db:
        query = select(func.count()).where(audit_events.c.details["order"].astext == str(made.order_id))
        assert db.execute(query).scalar_one() == 1


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"kind": "because"}, ["/kind"]),
        (
            {"kind": None, "number": 1, "issuing_body": "", "legal_basis": "x" * 501},
            ["/kind", "/number", "/issuing_body", "/legal_basis"],
        ),
        ({"holder": None}, [""]),
        ({"holder": "11010519491231002X"}, ["/holder"]),
        ({"holder": {"code_type": "111", "code": "110105194912310021"}}, ["/holder/code"]),
        ({"case_number": "a\u202eb"}, ["/case_number"]),
        ({"until": "2026-02-30"}, ["/until"]),
        ({"until": "today"}, ["/until"]),
        ({"until": "late"}, ["/until"]),
        ({"renews": "118"}, ["/renews"]),
        ({"more": 1}, ["/more"]),
        ({"client": 1}, ["/client"]),
    ],
    ids=str,
)
def test_a_bad_order_names_its_fields(scene: Scene, changes: dict[str, Any], pointers: list[str]) -> None:
    days = {"today": 0, "late": ORDER_DAYS_MAX + 1}.get(str(changes.get("until")))
    if days is not None:
        changes = {"until": (legal_day(now()) + timedelta(days=days)).isoformat()}
    with pytest.raises(InputError) as refused:
        recorded(scene.house, order(scene, **changes))
    assert [p.pointer for p in refused.value.problems] == pointers
    for hidden in ("11010519491231002X", "110105194912310021"):
        assert hidden not in str(refused.value.problems)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"holder": {"code_type": "111", "code": "440524188001010014"}}, "/holder"),
        ({"client": "nobody-at-all"}, "/client"),
        ({"renews": "00000000-0000-7000-8000-000000000000"}, "/renews"),
    ],
)
def test_an_order_about_what_is_not_there(scene: Scene, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InputError) as refused:
        recorded(scene.house, order(scene, **changes))
    assert [p.pointer for p in refused.value.problems] == [pointer]


def test_orders_are_listed_and_the_look_is_recorded(scene: Scene) -> None:
    workshop = scene.house.wired.workshop
    made, _ = recorded(scene.house, order(scene, days=1))
    everything = list(list_orders(workshop, MACHINE, by="w0120", standing=False, at=now()))
    assert made in everything
    assert made not in list(list_orders(workshop, MACHINE, by="w0120", standing=True, at=made.ends_at))
    json = order_json(made)
    assert (json["holder_id"], json["until"]) == (str(made.holder_id), str(legal_day(made.ends_at)))
    assert scene.company["code"] not in str(json)
    with workshop.database.reading() as db:
        query = select(audit_events.c.action).where(audit_events.c.actor == "operator:w0120")
        assert {"history-defer", "history-list"} <= set(db.execute(query).scalars())
    assert "history-defer" not in seen(scene, made.ends_at)
    for login in ("", "张样", "x" * 64):
        with pytest.raises(InputError):
            list(list_orders(workshop, MACHINE, by=login, standing=False, at=now()))


@pytest.mark.parametrize(
    "change", ["DELETE FROM deferral_orders", "UPDATE deferral_orders SET ends_at = now()"]
)
def test_an_order_is_never_changed(scene: Scene, change: str) -> None:
    made, _ = recorded(scene.house, order(scene))
    database = scene.house.wired.workshop.database
    with pytest.raises(ProgrammingError, match="insert-only"), database.writing() as db:
        db.execute(text(change))
    with database.reading() as db:
        row = db.execute(select(deferral_orders).where(deferral_orders.c.id == made.order_id)).one()
    assert made.number is not None
    assert made.legal_basis is not None
    for clear in (made.number, made.legal_basis, scene.company["code"]):
        assert clear.encode() not in str(row._asdict()).encode()
