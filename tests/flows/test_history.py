"""A holder's history on the engines: every access, nobody else's data, always at the same cost."""

import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from storage.people import keep_person
from storage.tables import audit_events, audit_subjects
from tests.conftest import House, behind_a_cutting_wire
from tests.flows.holder_scene import CLERK, Scene, history, looked, shown
from tests.flows.test_deposit import deposited
from tests.flows.test_reuse import (
    CONSTRUCTION,
    PRESALE,
    given,
    new_company,
    new_person,
    request_for,
    statements,
)
from tests.flows.test_reuse import asked as checked
from tests.flows.test_uses import asked, ended, person, used
from tests.trials import now
from vault.accesses import file_earlier
from vault.accesses.counting import VerificationTally, count_verifications
from vault.auditing import Auditor, AuditQuestion, find
from vault.download import document_for_client, document_for_holder
from vault.errors import InputError, NotFound, Unavailable
from vault.lifecycle import history_of
from vault.lookup import by_number, holdings, of_case, of_person
from vault.model.actors import Assurance, Introduced, Role
from vault.model.catalogue import DocumentFormat
from vault.model.history_entry import EVERYBODY, Access, Who
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.uses import redeem, revoke_by_holder

pytestmark = pytest.mark.engines

# What a holder is told of each flow: the newest entries' actions, oldest first.
FLOWS: dict[str, tuple[list[str], Callable[[Scene], object]]] = {
    "holdings": (["holdings"], lambda s: looked(s, replace(s.house.client, acting_for=CLERK))),
    "lookup": (
        ["lookup"],
        lambda s: by_number(
            s.house.wired.workshop, s.house.client, s.certificate.number, purpose="办理", at=now()
        ),
    ),
    "receipts": (
        ["receipts"],
        lambda s: of_case(s.house.wired.workshop, s.house.client, s.certificate.case_number, at=now()),
    ),
    "reuse check": (
        ["reuse-check"],
        lambda s: checked(s.house, PRESALE, {**s.company, "role": "applicant"}, case_number="SL-8"),
    ),
    "use": (["use-make"], lambda s: used(s.house, asked(s.certificate, copy=False))),
    "redemption": (["use-make", "use-redeem"], lambda s: s.redeemed()),
    "refused redemption": (["use-make", "use-redeem", "use-redeem-refused"], lambda s: s.refused_code()),
    "usage copy": (["use-make", "download"], lambda s: s.copied()),
    "revocation": (["use-make", "use-revoke"], lambda s: s.revoked()),
    "download by a client": (
        ["download"],
        lambda s: document_for_client(
            s.house.wired.workshop,
            s.house.client,
            s.certificate.certificate_id,
            DocumentFormat.PDF,
            at=now(),
        ),
    ),
    "download by the holder": (
        ["download"],
        lambda s: document_for_holder(
            s.house.wired.workshop, s.me, s.certificate.certificate_id, DocumentFormat.PDF, at=now()
        ),
    ),
    "own list": (["own-certificates"], lambda s: of_person(s.house.wired.workshop, s.me, at=now())),
    "view": (
        ["view"],
        lambda s: history_of(s.house.wired.workshop, s.house.client, s.certificate.certificate_id, at=now()),
    ),
    "material verified": (["deposit", "holdings", "verify-material"], lambda s: s.verify_material()),
    "status": (["status"], lambda s: ended(s.house, s.certificate)),
    "public verification": (["public-verification"], lambda s: s.counted()),
    "auditor": (
        ["audit-find"],
        lambda s: find(
            s.house.wired.workshop,
            Auditor("w0119", "抽查"),
            AuditQuestion(certificate_id=s.certificate.certificate_id),
            limit=9,
            at=now(),
        ),
    ),
    "auditor by actor": (
        ["holdings", "audit-find"],
        lambda s: (
            looked(s, s.receiver),
            find(
                s.house.wired.workshop,
                Auditor("w0119", "抽查"),
                AuditQuestion(actor=s.receiver.client_id),
                limit=9,
                at=now(),
            ),
        ),
    ),
}


@pytest.mark.parametrize("flow", FLOWS)
def test_each_access_is_told_once_to_its_holder_and_to_nobody_else(scene: Scene, flow: str) -> None:
    other = new_company()
    given(scene.house, CONSTRUCTION, other, number=f"样施许{secrets.token_hex(6)}")
    there = {access.event_id for access in history(scene.house, other).accesses}
    mine = history(scene.house, scene.me).accesses
    expected, act = FLOWS[flow]
    act(scene)
    found = history(scene.house, scene.me)
    new = [access for access in found.accesses if access.event_id > mine[0].event_id]
    assert [access.action for access in reversed(new)] == expected
    assert [a.action for a in found.accesses[len(new) :]] == ["deposit"]
    after = [a for a in history(scene.house, other).accesses if a.event_id not in there]
    # Whoever opens the whole audit trail of a system may open the others' records, too.
    assert {a.action for a in after} <= ({"audit-find"} if flow == "auditor by actor" else set())
    told = shown(scene.house, found)
    for entry in told:
        for hidden in ("文样窗", "W0118", "w0119", "抽查", str(scene.me.person_id), scene.company["code"]):
            assert hidden not in str({**entry, "action": "", "who": {**entry["who"], "kind": ""}}), flow  # type: ignore[dict-item]  # JSON


def test_an_entry_says_who_what_why_and_when(scene: Scene) -> None:
    at = now()
    clerk = replace(scene.receiver, acting_for=CLERK)
    holdings(
        scene.house.wired.workshop,
        clerk,
        scene.code,
        purpose="核验440524188001010014",
        service_item=PRESALE,
        case_number=scene.case,
        at=at,
    )
    (entry,) = shown(scene.house, history(scene.house, scene.me, limit=1))
    item = scene.house.catalogue.items[PRESALE].name
    assert entry["who"] == {
        "kind": "system",
        "client": "样例省政务服务平台",
        "organisation": None,
        "role": "clerk",
    }
    assert (entry["case_number"], entry["service_item"], entry["service_item_name"]) == (
        scene.case,
        PRESALE,
        item,
    )
    assert entry["purpose"] == "核验4405**********0014"
    assert entry["things"] == [
        {
            "kind": "certificate",
            "id": str(scene.certificate.certificate_id),
            "type": scene.certificate.type_code,
            "type_name": CONSTRUCTION,
            "identifier": scene.certificate.identifier,
        }
    ]
    assert entry["summary"] == {
        "zh": f"样例省政务服务平台的经办人员因办件 {scene.case}、事项“{item}”、用途“核验4405**********0014”，"
        f"查询了您名下的证照和材料，查到《{CONSTRUCTION}》。",
        "en": f"A clerk of 样例省政务服务平台 looked up what you hold and found {CONSTRUCTION}, "
        f"for case {scene.case}, item “{item}”, purpose “核验4405**********0014”.",
    }
    assert entry["at"] == at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def test_who_redeems_is_not_taken_for_who_made_the_use_nor_the_holder_for_a_clerk(scene: Scene) -> None:
    made = used(scene.house, asked(scene.certificate, copy=False, organisation="样例市住房和城乡建设局"))
    redeem(scene.house.wired.workshop, scene.receiver, made.code, at=now())
    revoke_by_holder(scene.house.wired.workshop, scene.me, made.use.use_id, at=now())
    ended_, redeemed, begun = history(scene.house, scene.me, limit=3).accesses
    assert (begun.client, begun.organisation, begun.by_clerk) == (
        "The test suite",
        "样例市住房和城乡建设局",
        True,
    )
    assert (redeemed.client, redeemed.organisation, redeemed.by_clerk) == (scene.receiver.name, None, False)
    assert (ended_.who, ended_.organisation, ended_.by_clerk) == (Who.PERSON, None, False)


def test_of_two_holders_each_sees_their_own_and_neither_the_other(house: House) -> None:
    one, other = new_person(), new_person()
    shared = given(house, "不动产权证书", one, other)
    alone = given(house, "不动产权证书", other)
    me = person(one)
    document_for_holder(house.wired.workshop, me, shared.certificate_id, DocumentFormat.PDF, at=now())
    seen_by_me, seen_by_other = (history(house, me), history(house, other))
    assert [a.action for a in seen_by_me.accesses] == ["download", "deposit"]
    assert [a.action for a in seen_by_other.accesses] == ["download", "deposit", "deposit"]
    assert (seen_by_other.accesses[0].who, seen_by_other.accesses[1].things[0].id) == (
        Who.PERSON,
        alone.certificate_id,
    )
    told = str(shown(house, seen_by_other))
    for hidden in (one["name"], one["code"], str(me.person_id)):
        assert hidden not in told
    assert str(alone.certificate_id) not in str(shown(house, seen_by_me))
    with pytest.raises(NotFound):
        history(house, me, certificate=alone)
    for nobody in (person(new_person()), replace(me, code=None)):
        assert history(house, nobody).accesses == ()
        with pytest.raises(NotFound):
            history(house, nobody, certificate=shared)


def test_a_check_of_two_parties_tells_each_only_of_their_own(scene: Scene) -> None:
    other = new_company()
    theirs = given(scene.house, CONSTRUCTION, other)
    parties = ({**scene.company, "role": "applicant"}, {**other, "role": "co_owner"})
    checked(scene.house, PRESALE, *parties, case_number="SL-9")
    mine = history(scene.house, scene.me).accesses[0]
    others = history(scene.house, other).accesses[0]
    assert mine.event_id == others.event_id
    assert theirs.certificate_id not in {thing.id for thing in mine.things}
    assert scene.certificate.certificate_id not in {thing.id for thing in others.things}


def test_the_holder_is_known_by_whichever_provider_they_came_in(scene: Scene) -> None:
    workshop = scene.house.wired.workshop
    for _ in range(2):
        with workshop.database.writing(VAULT) as db:
            who = Introduced(
                "https://id.example",
                secrets.token_hex(8),
                "样例",
                frozenset({Role.HOLDER}),
                None,
                scene.code,
                Assurance.HIGH,
            )
            person_id = keep_person(db, workshop.keys, who, now())
        me = replace(scene.me, person_id=person_id)
        document_for_holder(workshop, me, scene.certificate.certificate_id, DocumentFormat.PDF, at=now())
    found = history(scene.house, scene.me)
    assert [a.who for a in found.accesses] == [Who.YOU, Who.YOU, Who.SYSTEM]


def test_pages_follow_each_other_without_gap_or_repeat(scene: Scene) -> None:
    for _ in range(6):
        used(scene.house, asked(scene.certificate, copy=False))
    whole = history(scene.house, scene.me).accesses
    assert len(whole) == 7
    found: list[Access] = []
    before = None
    while True:
        page = history(scene.house, scene.me, before=before, limit=3)
        found += page.accesses
        used(scene.house, asked(scene.certificate, copy=False))  # what comes later moves nothing
        if page.next_before is None:
            break
        before = page.next_before
    assert [a.event_id for a in found] == [a.event_id for a in whole]
    for bad in ("", "x", "118"):
        with pytest.raises(InputError) as refused:
            history(scene.house, scene.me, before=bad)
        assert [p.pointer for p in refused.value.problems] == ["/before"]


def test_one_certificates_history_is_those_accesses_only(scene: Scene) -> None:
    other = given(scene.house, CONSTRUCTION, scene.company)
    used(scene.house, asked(other, copy=False))
    use = used(scene.house, asked(scene.certificate, copy=False)).use
    looked(scene, scene.receiver)
    revoke_by_holder(scene.house.wired.workshop, scene.me, use.use_id, at=now())
    found = history(scene.house, scene.me, certificate=scene.certificate)
    assert [a.action for a in found.accesses] == ["use-revoke", "holdings", "use-make", "deposit"]
    assert found.accesses[0].use is not None
    assert found.accesses[0].use.revoked_at is not None
    first = history(scene.house, scene.me, certificate=scene.certificate, limit=2)
    rest = history(scene.house, scene.me, certificate=scene.certificate, before=first.next_before)
    assert (*first.accesses, *rest.accesses) == found.accesses


def test_the_number_of_statements_is_fixed(scene: Scene) -> None:
    with statements() as of_few:
        history(scene.house, scene.me)
    for act in ("holdings", "own list", "public verification", "auditor", "usage copy", "material verified"):
        FLOWS[act][1](scene)
    with statements() as of_many:
        history(scene.house, scene.me)
    with statements() as of_one_certificate:
        history(scene.house, scene.me, certificate=scene.certificate)
    for act in ("holdings", "usage copy"):
        FLOWS[act][1](scene)
    with statements() as of_more:
        history(scene.house, scene.me)
    # Two more open what is under the keys of holders and of uses.
    assert (len(of_few), len(of_many), len(of_more)) == (10, 12, 12), of_more
    assert len(of_one_certificate) == 13


class Undone(Exception):
    """Takes back what was made for a plan only."""


@pytest.mark.parametrize("of_one", [False, True])
def test_a_page_is_found_by_its_own_index_entries(scene: Scene, *, of_one: bool) -> None:
    """The planner's own choice beside many thousand events of others."""
    for _ in range(3):
        used(scene.house, asked(scene.certificate, copy=False))
    asked_for: list[tuple[str, Any]] = []
    engine = scene.house.wired.workshop.database._engine  # noqa: SLF001 - the pool's own events

    def hear(*arguments: Any) -> None:  # noqa: ANN401 - SQLAlchemy's listener
        asked_for.append((arguments[2], arguments[3]))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        history(scene.house, scene.me, certificate=scene.certificate if of_one else None)
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    ((page, parameters),) = [each for each in asked_for if "deferral_orders" in each[0]]
    plan = ""
    with suppress(Undone), scene.house.owner.writing(VAULT) as db:
        db.execute(
            text(
                "INSERT INTO audit_events (at, actor, action, certificate_id, details)"
                " SELECT now(), 'nobody', 'view', gen_random_uuid(), '{}' FROM generate_series(1, 20000)"
            )
        )
        db.execute(text("ANALYZE audit_subjects, audit_events, deferral_orders"))
        plan = "\n".join(db.exec_driver_sql("EXPLAIN " + page, parameters).scalars())
        # As it is planned on somebody's behalf: once, for whatever holder (`storage.driver`).
        numbers = count(1)
        general = re.sub(r"%\(\w+\)s", lambda _: f"${next(numbers)}", page)
        plan += "\n".join(db.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {general}").scalars())
        raise Undone
    assert "audit_subjects" in plan
    # Parts that were made ahead of need are empty: whatever way they are looked at costs nothing.
    assert re.search(r"Seq Scan on audit_(?!events_p[12]\b)", plan) is None, plan


def test_an_export_of_the_directory_concerns_everybody(scene: Scene) -> None:
    workshop = scene.house.wired.workshop
    with workshop.database.writing(VAULT) as db:
        begun = {"at": now(), "actor": "operator:x", "action": "directory-export-begun"}
        db.execute(insert(audit_events).values(**begun, details={"everybody": True}))
    late = new_company()
    for holder, certificate in ((scene.company, scene.certificate), (scene.company, None)):
        newest = history(scene.house, holder, certificate=certificate).accesses[0]
        assert (newest.action, newest.who) == ("directory-export-begun", Who.OPERATOR)
    given(scene.house, CONSTRUCTION, late)
    assert [a.action for a in history(scene.house, late).accesses] == ["deposit"], "it was before their time"


def test_a_batch_of_counts_is_counted_once_and_a_day_is_one_entry(scene: Scene) -> None:
    workshop, batch = scene.house.wired.workshop, uuid7(now())
    counts = {(scene.certificate.certificate_id, legal_day(now())): 2}
    assert count_verifications(workshop, batch, counts, at=now())
    assert not count_verifications(workshop, batch, counts, at=now())
    assert count_verifications(workshop, uuid7(now()), counts, at=now())
    (entry, _) = history(scene.house, scene.me).accesses
    assert (entry.action, entry.who, entry.count) == ("public-verification", Who.PUBLIC, 4)


@pytest.mark.parametrize("how", ["before", "after"])
def test_counts_whose_commit_was_cut_off_are_handed_over_once(scene: Scene, how: str) -> None:
    tally = VerificationTally()
    tally.note(scene.certificate.certificate_id, now())
    with behind_a_cutting_wire(scene.house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            tally.hand_over(workshop, at=now())
        tally.note(scene.certificate.certificate_id, now())
        tally.hand_over(workshop, at=now())
        tally.hand_over(workshop, at=now())
        assert wire_.cuts == 1
    assert [a.count for a in history(scene.house, scene.me).accesses] == [2, None]


def test_processes_that_hand_over_at_once_make_one_entry(scene: Scene) -> None:
    tries = 4
    barrier = Barrier(tries)

    def one(_: int) -> None:
        tally = VerificationTally()
        tally.note(scene.certificate.certificate_id, now())
        barrier.wait()
        tally.hand_over(scene.house.wired.workshop, at=now())

    with ThreadPoolExecutor(tries) as pool:
        list(pool.map(one, range(tries)))
    assert [a.count for a in history(scene.house, scene.me).accesses] == [tries, None]


def test_earlier_events_are_filed_once_by_the_backfill(scene: Scene) -> None:
    """As if the trigger had not been there: its rows are taken away, then made again."""
    database = scene.house.wired.workshop.database
    used(scene.house, asked(scene.certificate, copy=False))
    before = history(scene.house, scene.me).accesses
    oldest = before[-1].event_id
    with scene.house.owner.writing(VAULT) as db:
        db.execute(text("ALTER TABLE audit_subjects DISABLE TRIGGER USER"))
        db.execute(audit_subjects.delete().where(audit_subjects.c.event_id >= oldest))
        db.execute(text("ALTER TABLE audit_subjects ENABLE TRIGGER USER"))
    assert history(scene.house, scene.me).accesses == ()
    heard: list[tuple[int, int]] = []
    first = file_earlier(database, after=oldest - 1, progress=lambda *told: heard.append(told))
    assert first >= 2
    assert heard[-1][1] == first
    assert history(scene.house, scene.me).accesses == before
    assert file_earlier(database, after=oldest - 1, progress=lambda *_: None) >= first
    assert history(scene.house, scene.me).accesses == before


def test_a_deposit_of_several_is_one_entry_with_all_of_it(house: House) -> None:
    company = new_company()
    request = request_for(house, CONSTRUCTION, company)
    request["results"].append(request_for(house, CONSTRUCTION, company)["results"][0])
    deposited(house, request)
    (entry,) = history(house, company).accesses
    assert (entry.things_count, len(entry.things)) == (2, 2)


def test_nothing_of_it_stands_for_everybody_but_what_concerns_them(house: House) -> None:
    given(house, CONSTRUCTION, new_company())
    with house.wired.workshop.database.reading(VAULT) as db:
        query = (
            select(audit_events.c.action)
            .join(audit_subjects, audit_subjects.c.event_id == audit_events.c.id)
            .where(audit_subjects.c.about == EVERYBODY)
            .distinct()
        )
        assert set(db.execute(query).scalars()) <= {"directory-export-begun"}
