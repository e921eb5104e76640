"""Reuse checks on the engines: what is held is found, what is missing is named, at the same cost always."""

import copy
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from sqlalchemy import func, select, text, true

from storage import exchange
from storage.certificates import content_place
from storage.envelope import open_json, seal_json
from storage.record_keys import CERTIFICATES, record_key, way_in, way_in_columns
from storage.tables import audit_events, avoided_resubmissions, certificates
from tests.conftest import House
from tests.files import reasons_of
from tests.flows.test_deposit import deposited, uploaded_pdf
from tests.generators import CREDIT_CODE_CHARACTERS, DIGITS, make_citizen_id, make_credit_code
from tests.requests import example_request, kind_named, new_case_number
from tests.trials import all_damaged, now
from vault import material_archive
from vault.avoided import count_avoided
from vault.deposit import read_case
from vault.deposit.reserving import ReservedCase, forget, release, reserve
from vault.errors import Conflict, InputError, NotFound
from vault.lookup import holdings
from vault.model.certificate import CertificateRecord, TrustLevel
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.reuse import answer_json, check_reuse, read_question

pytestmark = pytest.mark.engines

PRESALE, HOME_TRANSFER = "990100000117002", "990100000115001"
LICENCE, CONSTRUCTION, PLANNING = "营业执照", "建筑工程施工许可证", "建设工程规划许可证"
ESTATE, ESCROW = "不动产权证书", "CL0016"
Holder = dict[str, str]


def new_company() -> Holder:
    """An organisation that nobody used before: what is held for it is what a test deposits."""
    body = "MA" + "".join(secrets.choice(CREDIT_CODE_CHARACTERS) for _ in range(6))
    return {"code_type": "001", "code": make_credit_code("91990100", body), "name": "样例有限公司"}


def new_person() -> Holder:
    area = "11" + "".join(secrets.choice(DIGITS) for _ in range(4))
    code = make_citizen_id(area, date(1900, 1, 1), secrets.randbelow(1000))
    return {"code_type": "111", "code": code, "name": "张样例"}


def request_for(house: House, name: str, *holders: Holder, **changes: object) -> dict[str, Any]:
    request = example_request(house.catalogue, name)
    result = request["results"][0]
    result["holders"] = [dict(holder) for holder in holders]
    result["fields"] = {k: v for k, v in result["fields"].items() if k != "shares"}
    result.update(changes)
    request["case"]["applicant"] = dict(holders[0])
    return request


def given(house: House, name: str, *holders: Holder, **changes: object) -> CertificateRecord:
    (certificate,) = deposited(house, request_for(house, name, *holders, **changes)).certificates
    return certificate


def with_material(house: House, holder: Holder, type_code: str, trust: str, **more: object) -> dict[str, Any]:
    """Deposits a case that brings nothing but this material; the case."""
    request = request_for(house, LICENCE, holder)
    request["results"] = []
    sha256 = uploaded_pdf(house, secrets.token_hex(8))
    request["materials"] = [
        {"type": type_code, "name": "监管协议", "sha256": sha256, "trust": trust, "holders": [holder], **more}
    ]
    deposited(house, request)
    return request


def asked(
    house: House, item: str, *holders: Holder, case_number: str | None = None, needed_until: str | None = None
) -> dict[str, dict[str, Any]]:
    """The answer's lines by requirement."""
    workshop, at = house.wired.workshop, now()
    body = {
        "service_item": item,
        "holders": [{key: h[key] for key in ("role", "code_type", "code") if key in h} for h in holders],
        "case_number": case_number,
        "needed_until": needed_until,
    }
    question = read_question(workshop.shelf.items(at), body, at=at)
    answer = answer_json(check_reuse(workshop, house.client, question, at=at))
    return {line["requirement"]: line for line in answer["lines"]}


def states(lines: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: line["state"] for name, line in lines.items()}


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every SQL statement that runs meanwhile: at the driver, since not all pass SQLAlchemy.

    Not those that say for whom: they go along with another in one message, and only where it was not said;
    nor COMMIT, which goes along with another or by psycopg's own hand; nor the catalogue's, which is looked
    at once in a while, whoever asks then.
    """
    heard: list[str] = []
    execute, ready = psycopg.Cursor.execute, exchange._ready  # noqa: SLF001 - every statement passes one of them

    def note(query: str) -> None:
        of_the_shelf = query.startswith("SELECT DISTINCT ON")
        if "set_config('certvault." not in query and query != "COMMIT" and not of_the_shelf:
            heard.append(query)

    def hear(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - psycopg's own
        note(str(query))
        return execute(cursor, query, *arguments, **options)

    def hear_sent(message: exchange.Message) -> Any:  # noqa: ANN401 - its own
        note(message.text)
        return ready(message)

    with patch.object(psycopg.Cursor, "execute", hear), patch.object(exchange, "_ready", hear_sent):
        yield heard


@pytest.fixture
def developer(house: House) -> Holder:
    """A company that built: licence, planning permit, construction permit, land; no escrow agreement."""
    company = new_company()
    for name in (LICENCE, PLANNING, CONSTRUCTION, ESTATE):
        given(house, name, company)
    return company


def test_everything_but_one_is_held_and_the_missing_one_is_named(house: House, developer: Holder) -> None:
    lines = asked(house, PRESALE, developer, case_number=new_case_number())
    assert states(lines) == {
        "licence": "held",
        "legal_representative": "held",
        "construction": "held",
        "planning": "held",
        "land": "held",
        "escrow": "not_held",
    }
    assert lines["escrow"]["why"].endswith("ask for 预售资金监管协议.")
    (proof,) = lines["construction"]["satisfied_by"]
    assert proof["kind"] == "certificate"
    assert proof["number"] == kind_named(house.catalogue, CONSTRUCTION).example["number"]
    (field,) = lines["legal_representative"]["satisfied_by"]
    assert (field["label"], field["value"]) == ("法定代表人", "欧阳样例")


def test_the_question_is_audited_once_without_anybodys_code(house: House, developer: Holder) -> None:
    workshop, case_number = house.wired.workshop, new_case_number()
    newest = select(func.max(audit_events.c.id)).scalar_subquery()
    with workshop.database.reading(VAULT) as db:
        before = db.execute(select(newest)).scalar_one()
    asked(house, PRESALE, developer, case_number=case_number)
    with workshop.database.reading(VAULT) as db:
        (found,) = db.execute(select(audit_events).where(audit_events.c.id > before)).all()
    assert reasons_of(workshop, found) == {"service_item": PRESALE, "case_number": case_number}
    assert (found.actor, found.action) == (house.client.client_id, "reuse-check")
    assert found.details["lines"]["escrow"] == "not_held"
    assert len(found.details["certificates"]) == 4
    assert developer["code"] not in str(found.details)


def test_the_number_of_statements_never_grows(house: House, developer: Holder) -> None:
    stranger = new_company()
    with statements() as of_nobody:
        asked(house, PRESALE, stranger, case_number=new_case_number())
    with statements() as of_one:
        asked(house, PRESALE, developer, case_number=new_case_number())
    for _ in range(5):
        given(house, CONSTRUCTION, developer)
    partners = [{**new_company(), "role": "co_owner"} for _ in range(12)]
    given(house, ESTATE, *partners[:5])
    agent = {**new_person(), "role": "agent"}
    with statements() as of_many:
        asked(house, PRESALE, developer, *partners, agent, case_number=new_case_number())
    assert len(of_many) == len(of_one) <= 10  # BEGIN, and two that say which keys are in use
    assert len(of_nobody) <= len(of_one)


def test_only_what_is_shown_is_opened(house: House, developer: Holder) -> None:
    """A certificate that decides nothing keeps its envelope closed: that it cannot be opened is no matter."""
    ended = given(
        house, ESTATE, developer, issued_on="2020-01-02", valid_from="2020-01-02", valid_to="2020-02-01"
    )
    database = house.owner
    name = {"id": ended.certificate_id}
    with database.writing(VAULT) as db:
        kept = db.execute(text("SELECT sealed FROM certificates WHERE id = :id"), name).scalar_one()
        db.execute(text("UPDATE certificates SET sealed = '\\x00' WHERE id = :id"), name)
    try:
        assert asked(house, PRESALE, developer)["land"]["state"] == "held"
    finally:
        with database.writing(VAULT) as db:
            db.execute(
                text("UPDATE certificates SET sealed = :sealed WHERE id = :id"), {**name, "sealed": kept}
            )


def test_another_licence_that_has_the_field_is_taken(house: House) -> None:
    """The one that lasts longest is of a time when the field was not on it."""
    company, workshop = new_company(), house.wired.workshop
    lasting = given(house, LICENCE, company)
    assert asked(house, PRESALE, company)["legal_representative"]["state"] == "held"
    name = {"id": lasting.certificate_id}
    with house.owner.writing(VAULT) as db:
        opener = way_in(CERTIFICATES)
        query = select(certificates, *way_in_columns(opener)).outerjoin(opener, true())
        kept = db.execute(query.where(certificates.c.id == lasting.certificate_id)).one()
        data_key = record_key(CERTIFICATES, workshop.keys, kept)
        assert data_key is not None
        content = open_json(data_key, kept.sealed, content_place(lasting.certificate_id))
        del content["fields"]["legal_representative"]
        sealed = seal_json(data_key, content, content_place(lasting.certificate_id))
        db.execute(text("UPDATE certificates SET sealed = :s WHERE id = :id"), {**name, "s": sealed})
    lines = asked(house, PRESALE, company)
    assert (lines["licence"]["state"], lines["legal_representative"]["state"]) == ("held", "held_not_usable")
    assert lines["legal_representative"]["not_usable"][0]["reasons"] == ["field_absent"]
    other = given(house, LICENCE, company, valid_to=(legal_day(now()) + timedelta(days=400)).isoformat())
    lines = asked(house, PRESALE, company)
    (field,) = lines["legal_representative"]["satisfied_by"]
    assert (field["certificate_id"], field["value"]) == (str(other.certificate_id), "欧阳样例")
    (licence,) = lines["licence"]["satisfied_by"]
    assert licence["certificate_id"] == str(lasting.certificate_id)


def test_each_way_of_not_being_usable(house: House, developer: Holder) -> None:
    old = given(
        house,
        ESTATE,
        new := new_company(),
        issued_on="2020-01-02",
        valid_from="2020-01-02",
        valid_to="2020-02-01",
    )
    (not_usable,) = asked(house, PRESALE, new)["land"]["not_usable"]
    assert (not_usable["certificate_id"], not_usable["reasons"]) == (str(old.certificate_id), ["expired"])
    lines = asked(house, PRESALE, new, {**developer, "role": "co_owner"})
    assert lines["construction"]["not_usable"][0]["reasons"] == ["wrong_holder"]
    assert lines["construction"]["state"] == "held_not_usable"


def test_a_superseded_certificate_leads_to_its_successor(house: House) -> None:
    company, other = new_company(), new_company()
    first = given(house, CONSTRUCTION, company)
    second = given(house, CONSTRUCTION, company, supersedes=str(first.certificate_id))
    (proof,) = asked(house, PRESALE, company)["construction"]["satisfied_by"]
    assert proof["certificate_id"] == str(second.certificate_id)
    third = given(house, CONSTRUCTION, other, supersedes=str(second.certificate_id))
    line = asked(house, PRESALE, company, {**other, "role": "co_owner"})["construction"]
    assert line["state"] == "held_not_usable"
    assert f"by {third.identifier}, which holder 2 of the request holds" in line["why"]


def test_a_case_that_is_reserved_is_pending_until_it_is_committed(house: House) -> None:
    company = new_company()
    request = request_for(house, CONSTRUCTION, company)
    case = read_case(house.catalogue.in_force, house.client, request, at=now())
    reserve(house.wired.workshop, case, at=now())
    line = asked(house, PRESALE, company, case_number=new_case_number())["construction"]
    assert line["state"] == "pending"
    assert line["why"].startswith(f"Case {case.number}, reserved on {legal_day(now())}, will bring it")
    own = asked(house, PRESALE, company, case_number=case.number)["construction"]
    assert own["state"] == "not_held", "a case does not wait for itself"
    mended = copy.deepcopy(request)
    mended["results"][0] = request_for(house, LICENCE, company)["results"][0]
    reserve(
        house.wired.workshop, read_case(house.catalogue.in_force, house.client, mended, at=now()), at=now()
    )
    lines = asked(house, PRESALE, company)
    assert (lines["construction"]["state"], lines["licence"]["state"]) == ("not_held", "pending")
    deposited(house, mended)
    assert asked(house, PRESALE, company)["licence"]["state"] == "held"


def test_a_reserved_result_is_pending_for_its_holders_and_not_for_who_applies(house: House) -> None:
    applicant, owner, other = new_company(), new_company(), new_company()
    request = request_for(house, CONSTRUCTION, owner, other)
    request["results"][0]["holders"] = [owner]
    request["results"].append(request_for(house, PLANNING, other)["results"][0])
    request["case"]["applicant"] = applicant
    case = read_case(house.catalogue.in_force, house.client, request, at=now())
    begun = reserve(house.wired.workshop, case, at=now())
    assert isinstance(begun, ReservedCase)

    def asked_of(company: Holder) -> tuple[str, str]:
        lines = asked(house, PRESALE, company)
        return lines["construction"]["state"], lines["planning"]["state"]

    assert [asked_of(each) for each in (applicant, owner, other)] == [
        ("not_held", "not_held"),
        ("pending", "not_held"),
        ("not_held", "pending"),
    ]
    # What an earlier release reserved names nobody but the applicant.
    with house.wired.workshop.database.writing(VAULT) as db:
        db.execute(
            text(
                "DELETE FROM reserved_holders WHERE certificate_id IN"
                " (SELECT certificate_id FROM reservations WHERE case_id = :id)"
            ),
            {"id": begun.case_id},
        )
    assert asked_of(applicant) == ("pending", "pending")
    assert asked_of(owner) == ("not_held", "not_held")
    release(house.wired.workshop, begun)
    assert asked_of(applicant) == ("not_held", "not_held")


@pytest.mark.parametrize("end", ["committed", "released", "forgotten", "overtaken"])
def test_nobody_is_named_as_waiting_once_a_case_has_ended(house: House, end: str) -> None:
    workshop, request = house.wired.workshop, request_for(house, CONSTRUCTION, new_company())
    case = read_case(house.catalogue.in_force, house.client, request, at=now())
    begun = reserve(workshop, case, at=now())
    assert isinstance(begun, ReservedCase)
    named = text(
        "SELECT count(*) FROM reserved_holders JOIN reservations USING (certificate_id)"
        " WHERE case_id = :id AND certificate_id = ANY(:ids)"
    )
    values = {"id": begun.case_id, "ids": [r.certificate_id for r in begun.reservations]}
    with workshop.database.reading(VAULT) as db:
        assert db.execute(named, values).scalar_one() == 1
    match end:
        case "committed":
            deposited(house, request)
        case "released":
            release(workshop, begun)
        case "forgotten":
            forget(workshop, case, begun, at=now())
        case "overtaken":
            request["results"][0]["number"] += "-X"
            deposited(house, request)
    with workshop.database.reading(VAULT) as db:
        assert db.execute(named, values).scalar_one() == 0


def test_each_co_owner_is_asked_for(house: House) -> None:
    owners = [new_person(), {**new_person(), "role": "co_owner"}]
    given(house, ESTATE, *owners)
    with_material(house, owners[0], "CL0001", "B")
    lines = asked(house, HOME_TRANSFER, *owners)
    assert lines["title"]["state"] == "held"
    assert lines["identity"]["state"] == "not_held"
    assert "Holder 2 (the co-owner)" in lines["identity"]["why"]
    assert "Holder 1" not in lines["identity"]["why"]
    with_material(house, owners[1], "CL0001", "A")
    assert asked(house, HOME_TRANSFER, *owners)["identity"]["state"] == "held"


def test_one_person_under_two_code_types_is_one_party(house: House) -> None:
    code = make_citizen_id("810000", date(1900, 1, 1), secrets.randbelow(1000))
    resident = {"code_type": "111", "code": code, "name": "陈样例"}
    given(house, ESTATE, resident)
    lines = asked(house, HOME_TRANSFER, {**resident, "code_type": "551"}, {**resident, "role": "co_owner"})
    assert lines["title"]["state"] == "held"
    assert [proof["holder"] for proof in lines["title"]["satisfied_by"]] == [0]


def test_a_material_is_checked_once_and_then_counts(house: House, developer: Holder) -> None:
    issued_on = (legal_day(now()) - timedelta(days=3)).isoformat()
    with_material(house, developer, ESCROW, "C", issued_on=issued_on)
    line = asked(house, PRESALE, developer)["escrow"]
    assert (line["state"], line["not_usable"][0]["reasons"]) == ("held_not_usable", ["trust_too_low"])
    assert "compare it with the original" in line["why"]

    workshop = house.wired.workshop
    (material,) = held_materials(house, developer)
    assert (material.trust, material.verification, material.name) == (TrustLevel.C, None, "监管协议")
    verified = material_archive.verify(
        workshop, house.client, material.material_id, clerk="文样窗", note="与原件一致", at=now()
    )
    again = material_archive.verify(
        workshop, house.client, material.material_id, clerk="another", note="", at=now()
    )
    assert again == verified == held_materials(house, developer)[0]
    assert verified.trust is TrustLevel.B
    assert verified.verification is not None
    assert (verified.verification.clerk, verified.verification.note) == ("文样窗", "与原件一致")
    assert "核对无误" in material_archive.material_json(verified)["watermark"]
    assert asked(house, PRESALE, developer)["escrow"]["state"] == "held"


def test_only_level_c_is_checked(house: House) -> None:
    company, workshop = new_company(), house.wired.workshop
    with_material(house, company, "CL0007", "D")
    (material,) = held_materials(house, company)
    with pytest.raises(Conflict, match="level D"):
        material_archive.verify(workshop, house.client, material.material_id, clerk="x", note="", at=now())
    with pytest.raises(NotFound):
        material_archive.verify(workshop, house.client, uuid7(now()), clerk="x", note="", at=now())
    with pytest.raises(InputError, match="characters"):
        material_archive.verify(workshop, house.client, material.material_id, clerk=" ", note="", at=now())


def test_a_material_that_is_too_old_or_without_date(house: House) -> None:
    company = new_company()
    with_material(house, company, ESCROW, "B", issued_on="2020-01-02")
    assert asked(house, PRESALE, company)["escrow"]["not_usable"][0]["reasons"] == ["too_old"]
    undated = new_company()
    with_material(house, undated, ESCROW, "B")
    assert asked(house, PRESALE, undated)["escrow"]["not_usable"][0]["reasons"] == ["undated"]


def test_fsck_opens_the_events_of_materials(house: House) -> None:
    company, workshop = new_company(), house.wired.workshop
    with_material(house, company, ESCROW, "C")
    (material,) = held_materials(house, company)
    material_archive.verify(workshop, house.client, material.material_id, clerk="x", note="", at=now())
    with_material(house, new_company(), ESCROW, "C")
    moved = text(
        "INSERT INTO material_events (material_id, action, trust, actor, at, data_key, sealed)"
        " SELECT m.id, e.action, e.trust, e.actor, e.at, e.data_key, e.sealed"
        " FROM material_events e, materials m WHERE e.material_id = :id AND m.id <> :id"
        " AND NOT EXISTS (SELECT FROM material_events v WHERE v.material_id = m.id) LIMIT 1"
    )
    with suppress(Undone), workshop.database.writing(VAULT) as db:
        assert all_damaged(db, workshop.keys) == []
        db.execute(moved, {"id": material.material_id})
        ((about, why),) = all_damaged(db, workshop.keys)
        assert about.startswith("material_events ")
        assert "does not open" in why
        raise Undone


class Undone(Exception):
    """Rolls a test's damage back: events can never be deleted."""


def held_materials(house: House, holder: Holder) -> tuple[Any, ...]:
    code = HolderCode.parse(holder["code_type"], holder["code"])
    return holdings(
        house.wired.workshop,
        house.client,
        code,
        purpose="核对",
        service_item=None,
        case_number=None,
        at=now(),
    ).materials


def test_avoided_resubmissions_are_counted_once_for_each_case(house: House, developer: Holder) -> None:
    def counted() -> int:
        counts = count_avoided(house.wired.workshop.database)
        return sum(c.count for c in counts if c.service_item == PRESALE and c.month == this_month)

    this_month = f"{legal_day(now()):%Y-%m}"
    before, case_number = counted(), new_case_number()
    with house.wired.workshop.database.reading(VAULT) as db:
        rows = db.execute(select(func.count()).select_from(avoided_resubmissions)).scalar_one()
    asked(house, PRESALE, developer)
    assert counted() == before, "without a case nothing was spared yet"
    for _ in range(3):
        asked(house, PRESALE, developer, case_number=case_number)
    assert counted() == before + 5
    asked(house, PRESALE, developer, case_number=new_case_number())
    assert counted() == before + 10
    with house.wired.workshop.database.reading(VAULT) as db:
        assert db.execute(select(func.count()).select_from(avoided_resubmissions)).scalar_one() == rows + 20


def test_one_check_sees_one_state(house: House) -> None:
    database = house.wired.workshop.database
    count = text("SELECT count(*) FROM avoided_resubmissions")
    with database.noting(VAULT) as noting:
        before = noting.execute(count).scalar_one()
        with database.writing(VAULT) as writing:
            writing.execute(
                text(
                    "INSERT INTO avoided_resubmissions (at, case_index, service_item, authority, requirement)"
                    " VALUES (now(), 'x', 'x', 'x', 'x')"
                )
            )
        assert noting.execute(count).scalar_one() == before
    with database.reading(VAULT) as reading:
        assert reading.execute(count).scalar_one() == before + 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"service_item": "990100000999999"}, "/service_item"),
        ({"holders": []}, "/holders"),
        ({"holders": [{"code_type": "001", "code": "91990100MA97000182"}]}, "/holders/0/code"),
        ({"holders": [{"code_type": "111", "code": "11010519491231002X"}]}, "/holders/0"),
        (
            {"holders": [{"code_type": "111", "code": "11010519491231002X", "role": "agent"}]},
            "/holders",
        ),
        (
            {"holders": [{"code_type": "001", "code": "91350100M000100Y43", "role": "owner"}]},
            "/holders/0/role",
        ),
        ({"needed_until": "2020-01-01"}, "/needed_until"),
        ({"needed_until": "soon"}, "/needed_until"),
        ({"case_number": ""}, "/case_number"),
    ],
)
def test_a_question_that_cannot_be_answered(house: House, change: dict[str, Any], pointer: str) -> None:
    body = {
        "service_item": PRESALE,
        "holders": [{"code_type": "001", "code": "91350100M000100Y43"}],
        **change,
    }
    with pytest.raises(InputError) as refused:
        read_question(house.wired.workshop.shelf.items(now()), body, at=now())
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert "11010519491231002X" not in str(refused.value.problems)
