"""Tampering with the audit trail, guards switched off, is found and named; looking into it is recorded."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage.envelope import KeyRing
from storage.history import AuditRow, insert_look
from tests.log.conftest import AT, Log
from vault.audit_chain import SETTLED_AFTER
from vault.auditing import Auditor, AuditQuestion, export_events, find
from vault.errors import InputError, IntegrityError
from vault.log_auditor import check_export
from vault.model.scope import VAULT
from vault.transparency.audit_trail import audit_contradictions

pytestmark = pytest.mark.engines

HOUR = timedelta(hours=1)
WHO = Auditor("auditor", "抽查")


@pytest.fixture
def trail(log: Log) -> Log:
    """Ten events in two batches, an hour apart; two heads in the published log."""
    log.audit(5)
    log.sequence()
    log.audit(5, at=AT + HOUR, actor="other")
    log.sequence(at=AT + HOUR)
    return log


def found(log: Log, *, after: timedelta = 2 * HOUR) -> dict[str, str]:
    return dict(audit_contradictions(log.workshop, at=AT + after))


def ids(log: Log) -> list[int]:
    with log.workshop.database.reading(VAULT) as db:
        return list(db.execute(text("SELECT id FROM audit_events ORDER BY id")).scalars())


def test_a_whole_trail_has_nothing_to_find(trail: Log) -> None:
    assert found(trail) == {}
    trail.audit(3, at=AT + 2 * HOUR)
    assert found(trail) == {}  # younger than the newest head: not late yet
    trail.sequence(at=AT + 2 * HOUR)
    assert found(trail, after=3 * HOUR) == {}


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'nobody'",
        "at = at - interval '1 second'",
        "details = '{}'",
        "action = 'look'",
        "certificate_id = gen_random_uuid()",
        "sealed = 'x'",
    ],
)
def test_an_event_that_was_changed_is_named(trail: Log, change: str) -> None:
    third = ids(trail)[2]
    trail.changed(f"UPDATE audit_events SET {change} WHERE id = :id", id=third)  # noqa: S608 - literals above
    (name,) = found(trail)
    assert name == f"audit event {third}"
    assert "was changed" in found(trail)[name]


def test_an_event_that_was_deleted_is_named(trail: Log) -> None:
    third = ids(trail)[2]
    trail.changed("DELETE FROM audit_events WHERE id = :id", id=third)
    assert "was deleted" in found(trail)[f"audit event {third}"]


def test_events_that_were_swapped_are_named(trail: Log) -> None:
    one, _, other, *_ = ids(trail)
    trail.changed(
        "UPDATE audit_events e SET details = o.details FROM audit_events o"
        " WHERE (e.id, o.id) IN ((:one, :other), (:other, :one))",
        one=one,
        other=other,
    )
    assert set(found(trail)) == {f"audit event {one}", f"audit event {other}"}


def test_links_that_were_swapped_are_named(trail: Log) -> None:
    trail.changed(
        "UPDATE audit_chain SET event_id = -event_id WHERE position IN (1, 3)",
        "UPDATE audit_chain a SET event_id = -b.event_id FROM audit_chain b"
        " WHERE (a.position, b.position) IN ((1, 3), (3, 1))",
    )
    assert set(found(trail)) == {f"audit event {ids(trail)[n]}" for n in (1, 3)}


def test_a_change_with_its_link_made_to_fit_is_named(trail: Log) -> None:
    third = ids(trail)[2]
    trail.changed(
        "UPDATE audit_events SET actor = 'nobody' WHERE id = :id",
        "UPDATE audit_chain SET leaf_hash = sha256('made to fit') WHERE event_id = :id",
        id=third,
    )
    findings = found(trail)
    assert (
        "the chain's tree" in findings[f"audit event {third}"]
        or "changed" in findings[f"audit event {third}"]
    )
    assert "audit head 5" in findings
    assert "audit head 10" in findings


def test_a_row_that_was_put_in_later_with_an_old_number_is_named(trail: Log) -> None:
    trail.changed(
        "INSERT INTO audit_events (id, at, actor, action, details) OVERRIDING SYSTEM VALUE"
        " VALUES (-7, now(), 'x', 'view', '{}')"
    )
    assert "not in the chain" in found(trail)["audit event -7"]
    trail.sequence(at=AT + 3 * HOUR)  # it never comes in
    assert "audit event -7" in found(trail, after=4 * HOUR)


def test_a_row_that_was_put_in_and_dated_back_is_named(trail: Log) -> None:
    trail.audit(1, at=AT - HOUR)
    newest = ids(trail)[-1]
    assert "should be by its number" in found(trail)[f"audit event {newest}"]
    trail.sequence(at=AT + 3 * HOUR)
    assert "dated back" in found(trail, after=4 * HOUR)[f"audit event {newest}"]


def test_a_slow_transaction_is_not_taken_for_tampering(trail: Log) -> None:
    trail.audit(1, at=AT + HOUR - SETTLED_AFTER / 2)
    trail.sequence(at=AT + HOUR + SETTLED_AFTER / 2)
    assert found(trail) == {}


CUT = (
    "DELETE FROM audit_events WHERE id > (SELECT event_id FROM audit_chain WHERE position = 4)",
    "DELETE FROM audit_chain WHERE position > 4",
)


def test_a_tail_that_was_cut_off_is_named(trail: Log) -> None:
    trail.changed(*CUT)
    assert "cut off" in found(trail)["audit head 10"]


def test_a_tail_that_was_cut_off_with_its_head_is_named(trail: Log) -> None:
    trail.changed(
        *CUT,
        "DELETE FROM audit_heads WHERE size > 5",
        "UPDATE log_tiles SET hashes = substr(hashes, 1, 160) WHERE tree = 'audit'",
    )
    findings = found(trail)
    assert "no such head" in findings["audit head 10"]


def test_a_tail_that_was_cut_off_with_its_leaf_in_the_log_is_found(trail: Log) -> None:
    trail.changed(
        *CUT,
        "DELETE FROM audit_heads WHERE size > 5",
        "UPDATE log_tiles SET hashes = substr(hashes, 1, 160) WHERE tree = 'audit'",
        "DELETE FROM log_leaves WHERE log_index = 1",
    )
    trail.audit(1, at=AT + 2 * HOUR)
    assert found(trail)  # the published checkpoint has two leaves
    with trail.workshop.database.writing(VAULT) as db:
        db.execute(text("ALTER TABLE log_publications DISABLE TRIGGER USER"))
        db.execute(text("ALTER TABLE log_checkpoints DISABLE TRIGGER USER"))
        db.execute(text("DELETE FROM log_publications WHERE size > 1"))
        db.execute(text("DELETE FROM log_checkpoints WHERE size > 1"))
        db.execute(text("UPDATE log_tiles SET hashes = substr(hashes, 1, 32) WHERE tree = '2026'"))
    assert "older backup" in found(trail)["log"]
    with pytest.raises(IntegrityError):
        trail.sequence(at=AT + 3 * HOUR)


def test_a_head_that_was_changed_is_named(trail: Log) -> None:
    trail.changed("UPDATE audit_heads SET root = sha256('x') WHERE size = 5")
    assert set(found(trail)) == {"audit head 5"}


# --- auditors who look ------------------------------------------------------------------------------


def look(log: Log, keys: KeyRing, case_number: str | None, *, at: Any = AT) -> None:  # noqa: ANN401 - a time
    with log.workshop.database.writing(VAULT) as db:
        event = AuditRow("clerk-system", "holdings", None, None, {"certificates": []})
        insert_look(db, keys, event, {"purpose": "办理", "case_number": case_number}, at)


def test_events_are_found_by_case_actor_and_time_and_the_look_is_recorded(trail: Log) -> None:
    keys = trail.workshop.keys
    look(trail, keys, "SL-2026-000118", at=AT + HOUR)
    look(trail, keys, "SL-2026-000119", at=AT + HOUR)
    by_case = find(trail.workshop, WHO, AuditQuestion(case_number=" sl-2026-000118".upper()), limit=9, at=AT)
    assert [event.reasons for event in by_case] == [{"purpose": "办理", "case_number": "SL-2026-000118"}]
    by_actor = find(trail.workshop, WHO, AuditQuestion(actor="other"), limit=9, at=AT)
    assert len(by_actor) == 5
    early = find(trail.workshop, WHO, AuditQuestion(until=AT + HOUR, action="view"), limit=3, at=AT)
    assert [event.actor for event in early] == ["suite"] * 3
    looks = find(trail.workshop, WHO, AuditQuestion(actor="auditor:auditor"), limit=9, at=AT)
    assert [event.action for event in looks] == ["audit-find"] * 3
    assert looks[0].reasons == {"purpose": "抽查", "case_number": " SL-2026-000118"}
    assert looks[1].details == {"actor": "other", "found": 5}


@pytest.mark.parametrize("who", [Auditor("", "x"), Auditor("Auditor Li", "x"), Auditor("auditor", " ")])
def test_nobody_looks_without_a_name_and_a_purpose(trail: Log, who: Auditor) -> None:
    with pytest.raises(InputError):
        find(trail.workshop, who, AuditQuestion(), limit=1, at=AT)


def exported(log: Log) -> list[str]:
    lines = export_events(log.workshop, WHO, AuditQuestion(), at=AT + 2 * HOUR)
    return [json.dumps(line, ensure_ascii=False) for line in lines]


def test_an_export_proves_itself_away_from_the_vault(trail: Log) -> None:
    lines = exported(trail)
    assert len(lines) == 11
    assert all(wrong is None for _, wrong in check_export(lines, trail.key()))
    assert ids(trail)[-1] not in {json.loads(line).get("id") for line in lines}  # the export's own look


@pytest.mark.parametrize(
    ("place", "replace", "says"),
    [
        (3, ("suite", "nobody"), "does not lead"),
        (3, ('"actor": "suite"', '"actor": "nobody"'), "not what its row says"),
        (3, ('"position": 2', '"position": 3'), "does not lead"),
        (3, ('"at": "2026', '"at": "2025'), "not what its row says"),
        (3, ('"proof": [', '"proof": ["00", '), "too long"),
        (3, ("{", "["), "cannot be read"),
        (0, ('"size": 10', '"size": 9'), "does not say what the head says"),
        (0, ("index 1", "index 0"), "does not hold"),
    ],
)
def test_a_line_that_was_bent_is_named(trail: Log, place: int, replace: tuple[str, str], says: str) -> None:
    lines = exported(trail)
    bent = lines[place].replace(*replace) if place else lines[place].replace(*replace, 1)
    assert bent != lines[place]
    lines[place] = bent
    wrong = {
        number: sentence for number, sentence in check_export(lines, trail.key()) if sentence is not None
    }
    assert says in wrong[place + 1]
