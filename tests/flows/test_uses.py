"""Uses on the engines: who used what for which case, codes that open once, copies that end."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from storage.tables import audit_events, metadata, use_codes, use_events, uses
from tests.conftest import House
from tests.custodians import staff
from tests.files import copy_bytes, copy_name, reasons_of, sealed_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_handed_in_ofd import ofd
from tests.flows.test_reuse import (
    CONSTRUCTION,
    PRESALE,
    given,
    held_materials,
    new_company,
    new_person,
    request_for,
    statements,
    with_material,
)
from tests.papers import new_pdf
from tests.requests import new_case_number
from tests.trials import checked, now, together
from vault.custody import stop
from vault.download import copy_for_client
from vault.errors import Conflict, InputError, NotFound, Unavailable
from vault.lifecycle import StatusChange, change_status
from vault.model.actors import Assurance, ClientGrant, Person, Role
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action
from vault.model.scope import VAULT
from vault.model.use import CODE_LIFETIME, UseRecord
from vault.model.verdict import Genuine, NotInForce, Verification
from vault.signin import add_client
from vault.uploads import keep_upload
from vault.uses import (
    MadeUse,
    discard_copy,
    make_use,
    making,
    read_use,
    redeem,
    revoke_by_holder,
    revoke_by_maker,
)
from vault.uses.copying import NewUse, make_copy
from vault.verify import by_file, report_json

pytestmark = pytest.mark.engines

PURPOSE = "办理商品房预售许可"
Holder = dict[str, str]


def asked(certificate: CertificateRecord, **changes: object) -> dict[str, Any]:
    """A use's JSON as the edge hands it on."""
    return {
        "certificate_id": str(certificate.certificate_id),
        "material_id": None,
        "case_number": new_case_number(),
        "service_item": PRESALE,
        "purpose": PURPOSE,
        "organisation": None,
        "clerk": "文样窗",
        "copy": True,
        **changes,
    }


def used(
    house: House, request: dict[str, Any], *, client: ClientGrant | None = None, at: datetime | None = None
) -> MadeUse:
    workshop, at = house.wired.workshop, at or now()
    client = client or house.client
    return make_use(workshop, client, read_use(workshop.shelf, client, request, at=at), at=at)


def copy_of(house: House, made: MadeUse) -> bytes:
    return copy_bytes(house, made.use)


def judged(house: House, content: bytes, *, at: datetime | None = None) -> Verification:
    return by_file(house.wired.workshop, content, at=at or now())


def events(house: House, use: UseRecord) -> list[tuple[str, str]]:
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(use_events.c.action, use_events.c.actor).where(use_events.c.use_id == use.use_id)
        return [(row.action, row.actor) for row in db.execute(query.order_by(use_events.c.id))]


def ended(house: House, certificate: CertificateRecord, action: Action = Action.REVOKE) -> None:
    change = StatusChange(action, "以欺骗手段取得", legal_day(now()))
    change_status(house.wired.workshop, house.client, certificate.certificate_id, change, at=now())


@pytest.fixture
def company() -> Holder:
    return new_company()


@pytest.fixture
def certificate(house: House, company: Holder) -> CertificateRecord:
    return given(house, CONSTRUCTION, company)


@pytest.fixture
def receiver(house: House) -> ClientGrant:
    """Another approval system, of no authority that issued anything here."""
    name = f"receiver-{secrets.token_hex(4)}"
    add_client(house.wired.workshop, name, "样例省政务服务平台", frozenset(), at=now())
    return ClientGrant(name, "样例省政务服务平台", frozenset())


def person(holder: Holder) -> Person:
    code = HolderCode.parse(holder["code_type"], holder["code"])
    roles = frozenset({Role.HOLDER})
    return Person(uuid7(now()), "https://id.example", holder["name"], roles, None, code, Assurance.HIGH)


def test_a_use_with_a_copy_by_somebody_who_did_not_issue_it(
    house: House, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    original = sealed_bytes(house, certificate)
    request = asked(certificate)
    made = used(house, request, client=receiver)
    copy = made.use.copy
    assert copy is not None
    content = copy_for_client(house.wired.workshop, receiver, made.use.use_id, at=now()).content
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (copy.sha256, copy.size_bytes)
    assert copy.original_sha256 == certificate.documents[0].sha256
    assert made.use.organisation == receiver.name
    assert made.use.last_day == legal_day(now()) + timedelta(days=30)
    report = judged(house, content)
    assert isinstance(report.verdict, Genuine)
    shown = report_json(report)
    assert shown["usage_copy"]["purpose"] == PURPOSE
    assert shown["usage_copy"]["case_number"] == request["case_number"]
    assert shown["usage_copy"]["valid_until"] == made.use.last_day.isoformat()
    assert shown["usage_copy"]["original_sha256"] == certificate.documents[0].sha256
    assert shown["certificate"]["identifier"] == certificate.identifier
    assert [c["name"] for c in shown["checks"]] == ["file_unchanged", "usage", "in_force", "logged"]
    assert sealed_bytes(house, certificate) == original, "the sealed original stays as it is"
    assert isinstance(judged(house, original).verdict, Genuine)
    assert report_json(judged(house, original))["usage_copy"] is None
    altered = bytearray(content)
    altered[len(altered) // 2] ^= 1
    assert report_json(judged(house, bytes(altered)))["verdict"] != "genuine"


def test_the_same_request_is_the_same_use_with_a_fresh_code(
    house: House, certificate: CertificateRecord
) -> None:
    request = asked(certificate)
    first, again = used(house, request), used(house, request)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.use == again.use
    assert first.code != again.code
    assert [action for action, _ in events(house, first.use)] == ["make", "code"]
    for change in (
        {"purpose": "another"},
        {"case_number": new_case_number()},
        {"copy": False},
        {"clerk": None},
        {"organisation": "样例市住房和城乡建设局"},
    ):
        assert used(house, {**request, **change}).use.use_id != first.use.use_id, change
    later = used(house, request, at=first.use.expires_at)
    assert later.use.use_id != first.use.use_id, "what has run out is used anew"


def test_two_tries_at_once_make_one_use(house: House, certificate: CertificateRecord) -> None:
    tries = 4
    answers = together(*[partial(used, house, asked(certificate))] * tries)
    assert sorted(a.repeated for a in answers) == [False, True, True, True]
    assert len({a.use for a in answers}) == 1
    assert len({a.code for a in answers}) == tries
    assert checked(house).problems == ()


@pytest.mark.parametrize(
    ("action", "says"),
    [(Action.SUSPEND, "was suspended on"), (Action.REVOKE, "was revoked on"), (Action.CANCEL, "cancelled")],
)
def test_what_is_not_in_force_is_refused_with_day_and_reason(
    house: House, certificate: CertificateRecord, action: Action, says: str
) -> None:
    ended(house, certificate, action)
    with pytest.raises(Conflict, match=says) as refused:
        used(house, asked(certificate))
    assert legal_day(now()).isoformat() in refused.value.detail
    assert "以欺骗手段取得" in refused.value.detail
    assert [p.pointer for p in refused.value.problems] == ["/certificate_id"]


def test_what_was_superseded_names_its_successor(
    house: House, company: Holder, certificate: CertificateRecord
) -> None:
    successor = given(house, CONSTRUCTION, company, supersedes=str(certificate.certificate_id))
    with pytest.raises(Conflict, match=successor.identifier.replace(".", r"\.")):
        used(house, asked(certificate))
    used(house, asked(successor))


def test_what_has_run_out_or_has_not_begun_is_refused(house: House, company: Holder) -> None:
    old = given(
        house, CONSTRUCTION, company, issued_on="2020-01-02", valid_from="2020-01-02", valid_to="2020-02-01"
    )
    with pytest.raises(Conflict, match="ran out on 2020-02-01"):
        used(house, asked(old))
    with pytest.raises(Conflict, match="valid from 2020-01-02 only"):
        used(house, asked(old), at=datetime(2020, 1, 1, 12, tzinfo=UTC))
    made = used(house, asked(old, copy=False), at=datetime(2020, 1, 20, tzinfo=UTC))
    assert made.use.last_day.isoformat() == "2020-02-01", "a use ends with what is used"


def test_nobody_uses_what_is_not_there(house: House, certificate: CertificateRecord) -> None:
    nothing = str(uuid7(now()))
    with pytest.raises(NotFound):
        used(house, asked(certificate, certificate_id=nothing))
    with pytest.raises(NotFound):
        used(house, asked(certificate, certificate_id=None, material_id=nothing))


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"certificate_id": None}, [""]),
        ({"material_id": "00000000-0000-7000-8000-000000000000"}, [""]),
        ({"certificate_id": "118"}, ["/certificate_id"]),
        ({"service_item": "118", "purpose": " "}, ["/service_item", "/purpose"]),
        ({"case_number": "x" * 129}, ["/case_number"]),
        (
            {"purpose": "x" * 61, "organisation": "y" * 61, "clerk": "z" * 65},
            ["/purpose", "/organisation", "/clerk"],
        ),
        ({"purpose": "a\u202eb", "case_number": "a\nb"}, ["/case_number", "/purpose"]),
        ({"purpose": "办理\u0e01"}, ["/purpose"]),
        ({"clerk": ""}, ["/clerk"]),
    ],
)
def test_a_bad_request_names_its_fields(
    house: House, certificate: CertificateRecord, changes: dict[str, object], pointers: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        used(house, asked(certificate, **changes))
    assert [p.pointer for p in refused.value.problems] == pointers


def test_what_no_font_has_may_be_said_where_nothing_is_printed(
    house: House, certificate: CertificateRecord
) -> None:
    assert used(house, asked(certificate, purpose="办理\u0e01", copy=False)).use.copy is None


@pytest.mark.parametrize(
    ("trust", "says"),
    [("A", "此件由Thetestsuite提供"), ("B", "核对无误"), ("C", "尚未与原件核对"), ("D", "承诺属实")],
)
def test_a_copy_of_a_material_says_what_its_level_says(
    house: House, company: Holder, trust: str, says: str
) -> None:
    with_material(house, company, "CL0007", trust)
    (material,) = held_materials(house, company)
    made = used(house, asked_for_material(material.material_id))
    content = copy_of(house, made)
    assert says in text_of(content)
    report = judged(house, content)
    assert report.verdict == Genuine(None)
    assert report_json(report)["usage_copy"]["purpose"] == PURPOSE
    revoke_by_maker(house.wired.workshop, house.client, made.use.use_id, at=now())
    assert judged(house, content).verdict == NotInForce(None, "copy_revoked")


def asked_for_material(material_id: UUID, **changes: object) -> dict[str, Any]:
    return {
        "material_id": str(material_id),
        "case_number": new_case_number(),
        "service_item": PRESALE,
        "purpose": PURPOSE,
        "copy": True,
        **changes,
    }


def text_of(content: bytes) -> str:
    from tests.signing.typeset.pages import text_of as read  # noqa: PLC0415 - its module loads the fonts

    return read(content)


def material_of(house: House, company: Holder, content: bytes, **more: object) -> UUID:
    """A material with these bytes, deposited."""
    sha256 = hashlib.sha256(content).hexdigest()
    keep_upload(house.wired.workshop, house.client, sha256, content)
    request = request_for(house, "营业执照", company)
    request["results"] = []
    request["materials"] = [
        {"type": "CL0007", "name": "x", "sha256": sha256, "trust": "B", "holders": [company], **more}
    ]
    deposited(house, request)
    found: UUID = held_materials(house, company)[0].material_id
    return found


def test_no_copy_of_what_cannot_be_copied_and_nothing_is_left(house: House, company: Holder) -> None:
    material_id = material_of(house, company, ofd())
    with pytest.raises(InputError, match="application/ofd") as refused:
        used(house, asked_for_material(material_id))
    assert [p.pointer for p in refused.value.problems] == ["/copy"]
    with house.wired.workshop.database.reading(VAULT) as db:
        assert db.execute(select(uses.c.id).where(uses.c.material_id == material_id)).all() == []
    assert used(house, asked_for_material(material_id, copy=False)).use.copy is None


def test_a_material_that_has_run_out_is_refused(house: House, company: Holder) -> None:
    content = new_pdf()
    material_id = material_of(house, company, content, valid_to="2020-01-01")
    with pytest.raises(Conflict, match="ran out on 2020-01-01"):
        used(house, asked_for_material(material_id, copy=False))


def test_a_copy_runs_out_is_revoked_and_falls_with_its_certificate(
    house: House, certificate: CertificateRecord
) -> None:
    made = used(house, asked(certificate))
    content = copy_of(house, made)

    def reason(at: datetime) -> str | None:
        verdict = judged(house, content, at=at).verdict
        return verdict.reason if isinstance(verdict, NotInForce) else None

    assert reason(made.use.expires_at - timedelta(seconds=1)) is None
    assert reason(made.use.expires_at) == "copy_expired"
    with pytest.raises(NotFound, match=f"ran out after {made.use.last_day}"):
        copy_for_client(house.wired.workshop, house.client, made.use.use_id, at=made.use.expires_at)
    ended(house, certificate)
    report = judged(house, content)
    assert isinstance(report.verdict, NotInForce)
    assert report.verdict.reason == "revoked"
    assert "以欺骗手段取得" in str(report_json(report)["certificate"])
    revoke_by_maker(house.wired.workshop, house.client, made.use.use_id, at=now())
    assert reason(now()) == "copy_revoked"
    with pytest.raises(NotFound, match="was revoked on"):
        copy_for_client(house.wired.workshop, house.client, made.use.use_id, at=now())


def test_a_revoked_use_does_not_come_back(
    house: House, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    request = asked(certificate, copy=False)
    made = used(house, request)
    with pytest.raises(NotFound):
        revoke_by_maker(house.wired.workshop, receiver, made.use.use_id, at=now())
    first = revoke_by_maker(house.wired.workshop, house.client, made.use.use_id, at=now())
    assert revoke_by_maker(house.wired.workshop, house.client, made.use.use_id, at=now()) == first
    assert events(house, made.use) == [("make", "suite"), ("revoke", "suite")]
    with pytest.raises(Conflict, match="was revoked on"):
        used(house, request)
    used(house, {**request, "case_number": new_case_number()})


def test_a_code_opens_once_for_one_system(
    house: House, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    workshop = house.wired.workshop
    made = used(house, asked(certificate))
    done = redeem(workshop, receiver, made.code, at=now())
    assert (done.use, done.used, done.repeated) == (made.use, certificate, False)
    assert redeem(workshop, receiver, made.code, at=now()) == replace(done, repeated=True)
    assert events(house, made.use)[1:] == [("redeem", receiver.client_id)]
    assert copy_for_client(workshop, receiver, made.use.use_id, at=now()).sha256 == copy_sha(made)
    with pytest.raises(Conflict, match="by another system"):
        redeem(workshop, house.client, made.code, at=now())
    fresh = used(house, asked(certificate, copy=False))
    for at, code in (
        (now(), "q0Zc3vT1QmWm2mQyJ0r5aA"),
        (now(), ""),
        (now(), "\ud800"),
        (now() + CODE_LIFETIME, fresh.code),
    ):
        with pytest.raises(NotFound) as refused:
            redeem(workshop, receiver, code, at=at)
        assert refused.value.detail.startswith("This code opens nothing")
    with pytest.raises(Conflict, match="Its time is over"):
        redeem(workshop, house.client, fresh.code, at=now() + CODE_LIFETIME)
    with pytest.raises(Conflict, match="Its time is over"):
        redeem(workshop, receiver, made.code, at=now() + CODE_LIFETIME)
    revoke_by_maker(workshop, house.client, fresh.use.use_id, at=now())
    with pytest.raises(NotFound, match="opens nothing"):
        redeem(workshop, receiver, fresh.code, at=now())
    with pytest.raises(Conflict, match="was revoked on"):
        redeem(workshop, house.client, fresh.code, at=now())


def copy_sha(made: MadeUse) -> str:
    assert made.use.copy is not None
    return made.use.copy.sha256


def test_a_stranger_gets_no_copy(house: House, certificate: CertificateRecord, receiver: ClientGrant) -> None:
    made = used(house, asked(certificate))
    for use_id in (made.use.use_id, uuid7(now())):
        with pytest.raises(NotFound, match=r"^There is no such use\.$"):
            copy_for_client(house.wired.workshop, receiver, use_id, at=now())
    without = used(house, asked(certificate, copy=False))
    with pytest.raises(NotFound, match="No copy was made"):
        copy_for_client(house.wired.workshop, house.client, without.use.use_id, at=now())
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(audit_events.c.action, audit_events.c.certificate_id)
        seen = db.execute(query.where(audit_events.c.actor == receiver.client_id)).all()
    assert seen == [("refused-download", certificate.certificate_id)]  # the use that is none leaves nothing


def test_of_two_systems_at_once_one_redeems(house: House, certificate: CertificateRecord) -> None:
    workshop = house.wired.workshop
    made = used(house, asked(certificate, copy=False))
    names = [f"racer-{n}-{secrets.token_hex(4)}" for n in range(4)]
    for name in names:
        add_client(workshop, name, "样例", frozenset(), at=now())

    def one(name: str) -> str | None:
        try:
            redeem(workshop, ClientGrant(name, "样例", frozenset()), made.code, at=now())
        except NotFound:
            return None
        return name

    (winner,) = [name for name in together(*(partial(one, name) for name in names)) if name is not None]
    assert events(house, made.use)[1:] == [("redeem", winner)]


def test_a_code_for_what_is_no_longer_in_force_is_not_spent(
    house: House, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    workshop = house.wired.workshop
    made = used(house, asked(certificate, copy=False))
    ended(house, certificate, Action.SUSPEND)
    with pytest.raises(Conflict, match="was suspended on"):
        redeem(workshop, receiver, made.code, at=now())
    ended(house, certificate, Action.RESUME)
    assert redeem(workshop, receiver, made.code, at=now()).repeated is False


def test_a_refused_code_costs_and_leaves_the_same_whatever_it_was(
    house: House, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    made = used(house, asked(certificate, copy=False))
    shapes = []
    for code in ("q0Zc3vT1QmWm2mQyJ0r5aA", made.code):
        with statements() as heard, pytest.raises(NotFound) as refused:
            redeem(house.wired.workshop, receiver, code, at=now() + CODE_LIFETIME)
        shapes.append((heard, refused.value.detail))
    assert shapes[0] == shapes[1]
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(audit_events.c.action).where(audit_events.c.actor == receiver.client_id)
        assert list(db.execute(query).scalars()) == ["use-redeem-refused"] * 2


def test_no_row_holds_a_code_a_purpose_or_a_case_number_in_clear(
    house: House, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    request = asked(
        certificate, purpose=f"purpose {secrets.token_hex(8)}", clerk=f"clerk {secrets.token_hex(8)}"
    )
    made = used(house, request)
    again = used(house, request)
    redeem(house.wired.workshop, receiver, made.code, at=now())
    hidden = [made.code, again.code, *(request[name] for name in ("purpose", "case_number", "clerk"))]
    with house.wired.workshop.database.reading(VAULT) as db:
        tables = [*metadata.tables, "procrastinate_jobs"]
        for table in tables:
            for row in db.execute(text(f"SELECT t::text FROM {table} t")).scalars():  # noqa: S608 - our own tables
                found = row + bytes.fromhex("".join(hex_runs(row))).decode("latin-1")
                assert not [value for value in hidden if value in found], table
        kept = db.execute(
            select(use_codes.c.code_hash).where(use_codes.c.use_id == made.use.use_id)
        ).scalars()
        assert set(kept) == {hashlib.sha256(code.encode()).digest() for code in (made.code, again.code)}


def hex_runs(row: str) -> list[str]:
    """What a row's byte columns hold, in hex as PostgreSQL writes them."""
    return [run.split('"')[0].split(",")[0].split(")")[0] for run in row.split("\\x")[1:]]


def test_each_step_is_audited_with_its_reasons_in_the_envelope(
    house: House, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    workshop, request = house.wired.workshop, asked(certificate)
    made = used(house, request)
    used(house, request)
    redeem(workshop, receiver, made.code, at=now())
    copy_for_client(workshop, house.client, made.use.use_id, at=now())
    revoke_by_maker(workshop, house.client, made.use.use_id, at=now())
    query = (
        select(audit_events)
        .where(audit_events.c.details["use"].astext == str(made.use.use_id))
        .order_by(audit_events.c.id)
    )
    with workshop.database.reading(VAULT) as db:
        rows = db.execute(query).all()
    assert [row.action for row in rows] == ["use-make", "use-code", "use-redeem", "download", "use-revoke"]
    for row in rows:
        if row.action == "download":
            continue
        assert row.certificate_id == certificate.certificate_id
        assert reasons_of(workshop, row) == {
            "purpose": PURPOSE,
            "case_number": request["case_number"],
            "organisation": "The test suite",
            "clerk": "文样窗",
        }


def test_a_holder_can_end_a_use(
    house: House, company: Holder, certificate: CertificateRecord, receiver: ClientGrant
) -> None:
    workshop = house.wired.workshop
    request = asked(certificate)
    made = used(house, request, client=receiver)
    holder = person(company)
    for stranger in (person(new_person()), replace(holder, code=None)):
        with pytest.raises(NotFound):
            revoke_by_holder(workshop, stranger, made.use.use_id, at=now())
    with pytest.raises(NotFound):
        revoke_by_holder(workshop, holder, uuid7(now()), at=now())
    revoked = revoke_by_holder(workshop, holder, made.use.use_id, at=now())
    assert revoke_by_holder(workshop, holder, made.use.use_id, at=now()) == revoked
    assert events(house, made.use)[-1] == ("revoke", f"person:{holder.person_id}")
    with pytest.raises(Conflict):
        used(house, request, client=receiver)


def test_the_number_of_statements_of_a_use_is_fixed(house: House, certificate: CertificateRecord) -> None:
    with statements() as of_first:
        used(house, asked(certificate, copy=False))
    for _ in range(5):
        used(house, asked(certificate, copy=False))
    with statements() as of_later:
        used(house, asked(certificate, copy=False))
    assert len(of_later) <= len(of_first) <= 15  # BEGIN counted


def test_a_copy_goes_when_it_is_good_for_nothing(house: House, certificate: CertificateRecord) -> None:
    workshop = house.wired.workshop
    made = used(house, asked(certificate))
    name = copy_name(house, made.use)
    assert jobs(house, name) == [made.use.made_at + timedelta(hours=1), made.use.expires_at]
    assert discard_copy(workshop, name, at=now()) is False
    assert copy_of(house, made)
    revoked = revoke_by_maker(workshop, house.client, made.use.use_id, at=now())
    assert revoked.revoked_at in jobs(house, name)
    content = copy_of(house, made)
    assert discard_copy(workshop, name, at=now()) is True
    assert discard_copy(workshop, name, at=now()) is True
    assert name not in {stored.name for stored in workshop.blobs.copies()}
    verdict = judged(house, content).verdict
    assert isinstance(verdict, NotInForce), "it is known for what it was, even when it is gone"
    other = used(house, asked(certificate))
    assert discard_copy(workshop, copy_name(house, other.use), at=other.use.expires_at) is True
    (problem,) = checked(house).problems
    assert problem.about == f"use {other.use.use_id}", "a copy that is good today is missed"
    revoke_by_maker(workshop, house.client, other.use.use_id, at=now())


def jobs(house: House, name: str) -> list[datetime]:
    """When the worker will look whether this copy can go."""
    query = text(
        "SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'discard_copy'"
        " AND args = CAST(:args AS jsonb) ORDER BY scheduled_at"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return list(db.execute(query, {"args": json.dumps({"name": name})}).scalars())


def test_without_a_seal_of_the_platform_no_copy_is_made(house: House, certificate: CertificateRecord) -> None:
    stopped = "UPDATE seals SET stopped_at = {} WHERE purpose = 'usage-copy'"
    with house.wired.workshop.database.writing(VAULT) as db:
        db.execute(text(stopped.format("now() - interval '1 minute'")))
    try:
        with pytest.raises(Unavailable, match="platform has no seal"):
            used(house, asked(certificate))
        used(house, asked(certificate, copy=False))
    finally:
        with house.wired.workshop.database.writing(VAULT) as db:
            db.execute(text(stopped.format("NULL")))


def test_no_copy_is_committed_under_a_seal_that_was_stopped_meanwhile(
    house: House, certificate: CertificateRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, request = house.wired.workshop, asked(certificate)

    def stopped_after_sealing(*args: Any, **options: Any) -> NewUse:  # noqa: ANN401 - handed on as they are
        made = make_copy(*args, **options)
        assert made.use.copy is not None
        stop(workshop, made.use.copy.seal_id, staff(Role.OPERATOR), "样例", via="test", at=now())
        return made

    try:
        with monkeypatch.context() as patch:
            patch.setattr(making, "make_copy", stopped_after_sealing)
            with pytest.raises(Unavailable, match="stopped"):
                used(house, request)
    finally:
        with workshop.database.writing(VAULT) as db:
            db.execute(text("UPDATE seals SET stopped_at = NULL WHERE purpose = 'usage-copy'"))
    assert not used(house, request).repeated


@pytest.fixture(autouse=True, scope="module")
def nothing_is_wrong_afterwards(house: House) -> Iterator[None]:
    yield
    assert checked(house).problems == ()
