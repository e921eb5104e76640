"""Disputes on the engines: a ticket with a clock, decided by who answers, told to verifiers meanwhile."""

import asyncio
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from api.answers.accesses import DisputedAccessOut
from api.wiring import reader_of
from storage.tables import disputes
from tests.conftest import House, behind_a_cutting_wire
from tests.files import copy_bytes, sealed_bytes
from tests.flows.holder_scene import Scene, history, looked
from tests.flows.test_reuse import CONSTRUCTION, PRESALE, given, new_company, new_person, statements
from tests.flows.test_reuse import asked as checked
from tests.flows.test_strange_files import printed_again, without_its_qr
from tests.flows.test_uses import asked, ended, person, used
from tests.trials import now
from vault.disputes import (
    Decided,
    Submitted,
    decide,
    dispute_json,
    disputes_of,
    disputes_to_decide,
    open_disputes_now,
    read_decision,
    read_dispute,
    submit,
)
from vault.disputes.submitting import OPEN_MAX
from vault.errors import Conflict, InputError, NotFound, Unavailable
from vault.lifecycle import history_of
from vault.lookup import FOR_CLIENTS, of_person, summary_json
from vault.model.actors import ClientGrant, Person
from vault.model.certificate import CertificateRecord
from vault.model.dispute import Dispute, DisputeState, due_on
from vault.model.history_entry import access_id
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.model.verdict import Genuine
from vault.verify import by_code, by_file, by_token, report_json
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

RESOLVE = {"decision": "resolve", "outcome": "upheld", "reason": "已更正"}
REJECT = {"decision": "reject", "reason": "不属于本机关职责"}
ACCEPT = {"decision": "accept"}


def wanted(certificate: CertificateRecord, **changes: object) -> dict[str, Any]:
    return {
        "certificate_id": str(certificate.certificate_id),
        "kind": "wrong_data",
        "statement": f"住所有误 {secrets.token_hex(4)}",
        **changes,
    }


def submitted(
    scene: Scene, request: dict[str, Any], *, who: Person | None = None, workshop: Workshop | None = None
) -> Submitted:
    workshop = workshop or scene.house.wired.workshop
    return submit(workshop, who or scene.me, read_dispute(request), at=now())


def decided(
    scene: Scene,
    dispute: Dispute,
    request: dict[str, Any],
    *,
    client: ClientGrant | None = None,
    workshop: Workshop | None = None,
) -> Decided:
    client, workshop = client or scene.house.client, workshop or scene.house.wired.workshop
    return decide(workshop, client, dispute.dispute_id, read_decision(request), at=now())


def mine(scene: Scene) -> tuple[Dispute, ...]:
    return disputes_of(scene.house.wired.workshop, scene.me, before=None, limit=100, at=now())


def to_decide(scene: Scene, client: ClientGrant, **more: Any) -> tuple[Dispute, ...]:  # noqa: ANN401 - a question's parts
    asked_for = {"states": frozenset(DisputeState), "after": None, "limit": 1000, **more}
    return disputes_to_decide(scene.house.wired.workshop, client, **asked_for, at=now())


def reports(scene: Scene) -> dict[str, dict[str, Any]]:
    """What a stranger is told by token, by number and code, and by file."""
    workshop, certificate = scene.house.wired.workshop, scene.certificate

    async def by_reader() -> dict[str, dict[str, Any]]:
        reader = reader_of(scene.house.settings, workshop.keys)
        await reader.open()
        try:
            token = await by_token(reader, certificate.token, at=now())
            code = await by_code(reader, certificate.number, certificate.verification_code, at=now())
        finally:
            await reader.close()
        return {"token": report_json(token), "code": report_json(code)}

    found = asyncio.run(by_reader())
    content = sealed_bytes(scene.house, certificate)
    return {**found, "file": report_json(by_file(workshop, content, at=now()))}


def disputed(scene: Scene) -> set[bool]:
    """Whether every place that shows the certificate says that it is under dispute; the verdict stays."""
    workshop = scene.house.wired.workshop
    told = reports(scene)
    for report in told.values():
        assert report["verdict"] == "genuine"
        checks = {check["name"]: check["result"] for check in report["checks"]}
        assert checks.get("undisputed") == (None if report["dispute"] is None else "unknown")
    found = history_of(workshop, scene.house.client, scene.certificate.certificate_id, at=now())
    shown = summary_json(found.record, workshop.shelf.types(now()), files_at=FOR_CLIENTS)
    notes = [shown["dispute"], *(report["dispute"] for report in told.values())]
    for note in notes:
        assert note is None or (note["status"], note["label"]["zh"]) == ("under_dispute", "存在异议")
    return {note is not None for note in notes}


def test_a_file_that_bears_an_identifier_alone_is_told_neither_reason_nor_dispute(scene: Scene) -> None:
    made = submitted(scene, wanted(scene.certificate)).dispute
    decided(scene, made, ACCEPT)
    ended(scene.house, scene.certificate)
    whole = sealed_bytes(scene.house, scene.certificate)
    told = report_json(by_file(scene.house.wired.workshop, printed_again(whole), at=now()))
    assert told["certificate"]["status_reason"] is not None
    assert told["dispute"] is not None
    reason = told["certificate"]["status_reason"]
    told = report_json(by_file(scene.house.wired.workshop, without_its_qr(whole), at=now()))
    assert (told["certificate"]["status"], told["certificate"]["status_reason"]) == ("revoked", None)
    assert told["certificate"]["status_effective_on"] == legal_day(now()).isoformat()
    assert told["dispute"] is None
    assert "undisputed" not in {check["name"] for check in told["checks"]}
    assert reason not in str(told)


def test_a_dispute_from_its_submission_to_its_resolution(scene: Scene) -> None:
    made = submitted(scene, wanted(scene.certificate)).dispute
    assert (made.state, made.audience) == (DisputeState.SUBMITTED, scene.certificate.issuing_authority)
    assert made.due_on == due_on(legal_day(now()))
    assert disputed(scene) == {False}
    assert made in to_decide(scene, scene.house.client)
    accepted = decided(scene, made, ACCEPT)
    assert disputed(scene) == {True}
    assert accepted.dispute in to_decide(scene, scene.house.client, states=frozenset({DisputeState.ACCEPTED}))
    resolved = decided(scene, made, RESOLVE).dispute
    assert disputed(scene) == {False}
    assert mine(scene) == (resolved,)
    assert [e.state.value for e in resolved.events] == ["submitted", "accepted", "resolved"]
    assert (resolved.events[-1].reason, resolved.events[-1].outcome) == ("已更正", "upheld")
    actions = [a.action for a in history(scene.house, scene.me).accesses if a.action.startswith("dispute")]
    steps = ["dispute-resolved", "dispute-view", "dispute-accepted", "dispute-view", "dispute-submit"]
    assert actions == steps


def test_a_rejected_dispute_is_never_shown_to_verifiers(scene: Scene) -> None:
    made = submitted(scene, wanted(scene.certificate)).dispute
    rejected = decided(scene, made, REJECT).dispute
    assert (disputed(scene), rejected.events[-1].reason) == ({False}, REJECT["reason"])


def test_what_is_under_dispute_counts_and_is_noted(scene: Scene) -> None:
    party = {**scene.company, "role": "applicant"}
    before = checked(scene.house, PRESALE, party)
    line = next(name for name, found in before.items() if found["state"] == "held")
    assert before[line]["satisfied_by"][0]["disputed_on"] is None
    decided(scene, submitted(scene, wanted(scene.certificate)).dispute, ACCEPT)
    after = checked(scene.house, PRESALE, party)[line]
    assert after["state"] == "held"
    assert after["satisfied_by"][0]["disputed_on"] == legal_day(now()).isoformat()
    assert "存在异议" in after["why"]
    made = used(scene.house, asked(scene.certificate))
    assert made.use.copy is not None
    copy = copy_bytes(scene.house, made.use)
    report = by_file(scene.house.wired.workshop, copy, at=now())
    assert isinstance(report.verdict, Genuine)
    assert report_json(report)["dispute"]["status"] == "under_dispute"


def test_two_disputes_of_one_certificate_end_with_the_later(scene: Scene) -> None:
    one, other = (submitted(scene, wanted(scene.certificate)).dispute for _ in range(2))
    decided(scene, one, ACCEPT)
    decided(scene, other, ACCEPT)
    decided(scene, one, RESOLVE)
    assert disputed(scene) == {True}
    decided(scene, other, {**RESOLVE, "outcome": "not_upheld"})
    assert disputed(scene) == {False}


def test_of_two_holders_the_others_is_not_there(scene: Scene) -> None:
    other = new_company()
    theirs = given(scene.house, CONSTRUCTION, other)
    with pytest.raises(NotFound, match="no such certificate"):
        submitted(scene, wanted(theirs))
    looked(scene, scene.receiver)
    access = history(scene.house, scene.me).accesses[0]
    about = {"access_id": access_id(access.event_id), "kind": "unlawful_access", "statement": "没有办过"}
    for stranger in (person(other), person(new_person()), replace(scene.me, code=None)):
        with pytest.raises(NotFound):
            submitted(scene, about, who=stranger)
        with pytest.raises(NotFound):
            submitted(scene, wanted(scene.certificate), who=stranger)
    submitted(scene, wanted(scene.certificate))
    assert disputes_of(scene.house.wired.workshop, person(other), before=None, limit=9, at=now()) == ()


def test_a_co_holder_sees_that_it_is_disputed_and_not_by_whom(house: House) -> None:
    one, other = new_person(), new_person()
    shared = given(house, "不动产权证书", one, other)
    scene = Scene(house, shared, one, person(one), house.client)
    made = submitted(scene, wanted(shared)).dispute
    decided(scene, made, ACCEPT)
    for about in (None, shared):
        theirs = history(house, other, certificate=about)
        assert [a.action for a in theirs.accesses if a.action.startswith("dispute")] == []
        own = history(house, one, certificate=about)
        assert [a.action for a in own.accesses][:2] == ["dispute-accepted", "dispute-submit"]
    assert disputed(scene) == {True}


def test_who_decides_is_bound_to_authority_and_type(scene: Scene) -> None:
    made = submitted(scene, wanted(scene.certificate)).dispute
    authority = frozenset({scene.certificate.issuing_authority})
    strangers = (
        scene.receiver,
        ClientGrant("x", "x", scene.house.client.authorities - authority),
        ClientGrant("x", "x", authority, frozenset({"11100000MB03271699001"})),
    )
    for stranger in strangers:
        assert made.dispute_id not in {d.dispute_id for d in to_decide(scene, stranger)}
        with pytest.raises(NotFound):
            decided(scene, made, ACCEPT, client=stranger)
    bound = ClientGrant("suite", "x", authority, frozenset({scene.certificate.type_code}))
    assert made in to_decide(scene, bound)
    assert decided(scene, made, ACCEPT, client=bound).dispute.state is DisputeState.ACCEPTED


def test_an_access_is_disputed_with_the_body_whose_system_looked(scene: Scene) -> None:
    looked(scene, scene.receiver)
    access = history(scene.house, scene.me).accesses[0]
    about = {"access_id": access_id(access.event_id), "kind": "unlawful_access", "statement": "没有办过"}
    made = submitted(scene, about).dispute
    assert made.audience == f"client:{scene.receiver.client_id}"
    assert to_decide(scene, scene.receiver) == (made,)
    with pytest.raises(NotFound):
        decided(scene, made, ACCEPT)
    assert made.access is not None
    assert made.access.action == "holdings"
    decided(scene, made, ACCEPT, client=scene.receiver)
    assert disputed(scene) == {False}, "the certificate itself is not in doubt"


def is_about(scene: Scene, dispute_id: UUID, event_id: int) -> None:
    """Lets the dispute's row name another event, as nobody but the owner of the tables can."""
    change = text("UPDATE disputes SET access_id = :event WHERE id = :id")
    with scene.house.owner.writing(VAULT) as db:
        db.execute(text("ALTER TABLE disputes DISABLE TRIGGER USER"))
        db.execute(change, {"event": event_id, "id": dispute_id})
        db.execute(text("ALTER TABLE disputes ENABLE TRIGGER USER"))


def test_a_dispute_outlives_the_record_of_the_access_in_the_database(scene: Scene) -> None:
    """As if the part of its audit event had been archived."""
    looked(scene, scene.receiver)
    access = history(scene.house, scene.me).accesses[0]
    about = {"access_id": access_id(access.event_id), "kind": "unlawful_access", "statement": "没有办过"}
    made = submitted(scene, about).dispute
    is_about(scene, made.dispute_id, 9_000_000_000)
    (found,) = mine(scene)
    is_about(scene, made.dispute_id, access.event_id)  # the house is everybody's, and fsck looks at it
    assert dispute_json(found, now())["access"] == {
        "access_id": access_id(9_000_000_000),
        "action": None,
        "at": None,
    }
    assert DisputedAccessOut.model_validate(dispute_json(found, now())["access"]).at is None


def test_ones_own_look_is_not_disputed(scene: Scene) -> None:
    of_person(scene.house.wired.workshop, scene.me, at=now())
    access = history(scene.house, scene.me).accesses[0]
    about = {"access_id": access_id(access.event_id), "kind": "other", "statement": "?"}
    with pytest.raises(InputError) as refused:
        submitted(scene, about)
    assert [p.pointer for p in refused.value.problems] == ["/access_id"]


def test_the_same_request_is_the_same_dispute_while_it_is_open(scene: Scene) -> None:
    request = wanted(scene.certificate)
    first, again = submitted(scene, request), submitted(scene, request)
    assert (first.repeated, again.repeated, first.dispute == again.dispute) == (False, True, True)
    assert submitted(scene, {**request, "kind": "other"}).dispute.dispute_id != first.dispute.dispute_id
    decided(scene, first.dispute, REJECT)
    anew = submitted(scene, request)
    assert (anew.repeated, anew.dispute.dispute_id == first.dispute.dispute_id) == (False, False)


def test_a_decision_again_is_the_same_and_another_is_refused(scene: Scene) -> None:
    made = submitted(scene, wanted(scene.certificate)).dispute
    with pytest.raises(Conflict, match="submitted: resolve"):
        decided(scene, made, RESOLVE)
    first, again = decided(scene, made, ACCEPT), decided(scene, made, ACCEPT)
    assert (first.repeated, again.repeated, first.dispute == again.dispute) == (False, True, True)
    with pytest.raises(Conflict) as refused:
        decided(scene, made, REJECT)
    assert [p.pointer for p in refused.value.problems] == ["/decision"]
    decided(scene, made, RESOLVE)
    assert decided(scene, made, RESOLVE).repeated
    with pytest.raises(Conflict):
        decided(scene, made, {**RESOLVE, "reason": "另一个"})


def at_once(tries: list[Callable[[], Any]]) -> list[Any]:
    barrier = Barrier(len(tries))

    def one(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the tries answer
        barrier.wait()
        try:
            return work()
        except Conflict as error:
            return error

    with ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(one, tries))


def test_two_submissions_and_two_decisions_at_once(scene: Scene) -> None:
    request = wanted(scene.certificate)
    answers = at_once([lambda: submitted(scene, request)] * 4)
    assert sorted(a.repeated for a in answers) == [False, True, True, True]
    (made,) = {a.dispute.dispute_id: a.dispute for a in answers}.values()
    outcomes = at_once([lambda: decided(scene, made, ACCEPT), lambda: decided(scene, made, REJECT)])
    assert sorted(type(o).__name__ for o in outcomes) == ["Conflict", "Decided"]
    assert len(mine(scene)[0].events) == 2


def test_there_is_an_end_to_open_disputes_also_at_once(scene: Scene) -> None:
    for _ in range(OPEN_MAX - 1):
        submitted(scene, wanted(scene.certificate))
    two = [lambda: submitted(scene, wanted(scene.certificate))] * 2
    assert sorted(type(a).__name__ for a in at_once(two)) == ["Conflict", "Submitted"]
    decided(scene, mine(scene)[0], REJECT)
    submitted(scene, wanted(scene.certificate))


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_commit_that_was_cut_off_and_sent_again(scene: Scene, how: str) -> None:
    request = wanted(scene.certificate)
    with behind_a_cutting_wire(scene.house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            submitted(scene, request, workshop=workshop)
        made = submitted(scene, request, workshop=workshop)
        wire_.cut = how
        with pytest.raises(Unavailable):
            decided(scene, made.dispute, ACCEPT, workshop=workshop)
        done = decided(scene, made.dispute, ACCEPT, workshop=workshop)
        assert wire_.cuts == 2
    assert made.repeated is done.repeated is (how == "after")
    assert [e.state.value for e in mine(scene)[0].events] == ["submitted", "accepted"]
    steps = [a.action for a in history(scene.house, scene.me).accesses]
    assert (steps.count("dispute-submit"), steps.count("dispute-accepted")) == (1, 1)


def test_overdue_ones_are_shown_and_counted(scene: Scene) -> None:
    workshop = scene.house.wired.workshop
    made = submitted(scene, wanted(scene.certificate)).dispute
    in_time = datetime.combine(made.due_on, datetime.min.time(), now().tzinfo)
    late = in_time + timedelta(days=1)

    def overdue(at: datetime) -> tuple[bool, int]:
        listed, counted = open_disputes_now(workshop, overdue=True, at=at)
        return made.dispute_id in {each.dispute_id for each in listed}, counted.overdue

    assert (overdue(in_time)[0], overdue(late)[0]) == (False, True)
    assert made.is_overdue(legal_day(late))
    before = overdue(late)[1]
    decided(scene, made, REJECT)
    assert overdue(late) == (False, before - 1)


def test_pages_and_the_number_of_statements(scene: Scene) -> None:
    workshop = scene.house.wired.workshop
    submitted(scene, wanted(scene.certificate))
    with statements() as of_one:
        mine(scene)
    made = [submitted(scene, wanted(scene.certificate)).dispute.dispute_id for _ in range(4)]
    with statements() as of_many:
        mine(scene)
    assert len(of_one) == len(of_many) == 7
    first = disputes_of(workshop, scene.me, before=None, limit=2, at=now())
    rest = disputes_of(workshop, scene.me, before=first[-1].dispute_id, limit=9, at=now())
    assert [d.dispute_id for d in (*first, *rest)][:4] == made[::-1]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM disputes",
        "UPDATE disputes SET kind = 'other'",
        "UPDATE disputes SET due_on = due_on + 1",
        "TRUNCATE disputes CASCADE",
        "DELETE FROM dispute_events",
    ],
)
def test_what_was_disputed_is_never_changed(scene: Scene, change: str) -> None:
    submitted(scene, wanted(scene.certificate))
    with (
        pytest.raises(ProgrammingError, match="insert-only"),
        scene.house.owner.writing(VAULT) as db,
    ):
        db.execute(text(change))


def test_nothing_that_was_said_stands_in_clear(scene: Scene) -> None:
    request = wanted(scene.certificate, statement="本人张样例住所有误")
    made = submitted(scene, request).dispute
    decided(scene, made, {"decision": "accept", "reason": "张样例的异议受理"})
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        for table in ("disputes", "dispute_events", "audit_events"):
            rows = db.execute(text(f"SELECT t::text FROM {table} t ORDER BY id DESC LIMIT 20")).scalars()  # noqa: S608 - names from above
            for row in rows:
                assert "张样例" not in row
                assert "张样例".encode().hex() not in row
        row = db.execute(select(disputes).where(disputes.c.id == made.dispute_id)).one()
    assert scene.company["code"] not in str(row)


class Undone(Exception):
    """Takes back what was made for a plan only."""


MANY = """
INSERT INTO disputes (id, holder_id, certificate_id, audience, kind, state, request_index, index_version,
    sealed, opened_at, due_on, accepted_at, closed_at)
SELECT gen_random_uuid(), holder_id, certificate_id, audience, kind, 'resolved', request_index, index_version,
    sealed, opened_at, due_on, now(), now()
FROM disputes, generate_series(1, 20000) WHERE id = :id
"""


def test_the_public_statement_finds_a_dispute_by_its_index(scene: Scene) -> None:
    """One statement still, and no table is read through for it, however many disputes there were."""
    made = submitted(scene, wanted(scene.certificate)).dispute
    plan = ""
    with suppress(Undone), scene.house.owner.writing(VAULT) as db:
        db.execute(text(MANY), {"id": made.dispute_id})
        db.execute(text("ANALYZE disputes"))
        shown = import_module("migrations.versions.0015_public_verification").SHOWN
        query = re.sub(r"\b(answer|chosen)\b", "$1::uuid", shown)
        explain = f"EXPLAIN (GENERIC_PLAN) {query}"
        plan = "\n".join(db.exec_driver_sql(explain).scalars())
        raise Undone
    assert "ix_disputes_standing" in plan
    assert "Seq Scan on disputes" not in plan
