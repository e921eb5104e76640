"""A holder is erased by destroying keys: what forbids it, what nobody reads then, and what is still true."""

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import anyio
import pytest
from sqlalchemy import Row, Table, select, text

from api.wiring import reader_of
from storage.embedded import EngineAddresses
from storage.envelope import DataKey
from storage.envelope.sealing import unwrapped
from storage.filed_objects import objects_of_case
from storage.history import look_place
from storage.holders import find_holder, index_text
from storage.materials import event_key_place
from storage.objects import FiledObject, read_copy, read_object
from storage.record_keys import CERTIFICATES, MATERIALS, USES
from storage.tables import (
    audit_events,
    case_holders,
    cases,
    certificate_holders,
    certificates,
    hold_events,
    holders,
    log_leaves,
    material_events,
    materials,
    metadata,
    reserved_holders,
    uses,
)
from storage.uses import find_use
from tests.conftest import House
from tests.files import copy_bytes, copy_filed, sealed_bytes, uploaded_bytes
from tests.flows.ofd_cases import request_as
from tests.flows.test_deposit import case_of, deposited
from tests.flows.test_everything_is_renewed import chained, contradictions
from tests.flows.test_rotation import (
    assert_found_everywhere,
    company,
    holder_rows,
    request_of,
    rotated,
    with_material,
)
from tests.flows.test_uses import asked, used
from tests.lived_in import AUDITOR, LOOKED_FOR, ORDERS_END, live_in, settle
from tests.requests import example_request
from tests.vaults import own_vault
from vault.auditing import AuditQuestion, find
from vault.deposit import Deposited, read_case
from vault.deposit.reserving import reserve
from vault.directories import Format, export_directories
from vault.download import copy_for_client, document_for_client
from vault.erasing import ERASED, Erasure, erase, hold, release
from vault.errors import Conflict, IntegrityError, NotFound
from vault.fsck import Weight, fsck
from vault.lookup import by_number, holdings
from vault.material_archive import verify
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.scope import VAULT
from vault.model.use import UseRecord
from vault.model.verdict import CheckResult, Genuine, NotInForce, Unrecognised
from vault.rotating import retire
from vault.second_look import second_look
from vault.uses import discard_copy
from vault.verify import by_file, by_token, report_json

pytestmark = pytest.mark.engines

_names = count(1)
OPERATOR = "operator:test"


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    """A vault whose retention ends at once."""
    with own_vault(engines, tmp_path, f"erasure_{next(_names)}") as house:
        workshop = replace(house.wired.workshop, retention=timedelta(seconds=-1))
        # The store takes no lock that has ended: objects are locked for a minute.
        yield replace(house, wired=replace(house.wired, workshop=workshop))


def now() -> datetime:
    return datetime.now(UTC)


def keeping(house: House) -> House:
    """The vault as one that keeps for a day; what is asked later is asked of one that need not."""
    workshop = replace(house.wired.workshop, retention=timedelta(days=1))
    return replace(house, wired=replace(house.wired, workshop=workshop))


def kept(house: House, request: dict[str, Any]) -> Deposited:
    return deposited(keeping(house), request)


def code_of(holder: dict[str, str]) -> HolderCode:
    return HolderCode.parse(holder["code_type"], holder["code"])


def erased(house: House, code: HolderCode, *, at: datetime | None = None) -> Erasure:
    return erase(house.wired.workshop, code, actor=OPERATOR, at=at or now())


def every_wrap(house: House) -> list[tuple[bytes, str]]:
    """Every wrapped key in the database and what it is bound to, whatever tables there are."""

    def place(table: Table, row: Row[Any]) -> str:
        if table is audit_events:
            return look_place("data_key", row.actor, row.at)
        if table is material_events:
            return event_key_place(row.material_id)
        for kind in (CERTIFICATES, MATERIALS, USES):
            if table is kind.of_holders:
                return kind.wrap_place(getattr(row, kind.record_id.name), row.holder_id)
        return f"{table.name}.data_key:{row.id}"

    with house.wired.workshop.database.reading(VAULT) as db:
        return [
            (row.data_key, place(table, row))
            for table in metadata.sorted_tables
            if "data_key" in table.c
            for row in db.execute(select(table).where(table.c.data_key.is_not(None)))
        ]


def every_key(house: House) -> list[DataKey]:
    """Every key that the database and the key ring still give to somebody who has both."""
    wraps = every_wrap(house)
    found = [key.key for key in house.wired.workshop.keys.keys.wrapping.values()]
    for _ in range(4):  # keys that open keys that open keys: holders', records', events'
        for wrapped, place in wraps:
            for key in list(found):
                try:
                    inner = unwrapped(key, wrapped, place)
                except IntegrityError:
                    continue
                if inner not in found:
                    found.append(inner)
    return [DataKey(key) for key in found]


def objects_of(house: House, case_id: UUID) -> tuple[FiledObject, ...]:
    with house.wired.workshop.database.reading(VAULT) as db:
        return objects_of_case(db, house.wired.workshop.keys, case_id)


def opened_by_any(
    house: House, filed: FiledObject, keys: list[DataKey], read: Callable[..., bytes] = read_object
) -> bool:
    for key in keys:
        try:
            read(house.wired.workshop.blobs, replace(filed, key=key))
        except IntegrityError:
            continue
        return True
    return False


def public_verdict(house: House, certificate: CertificateRecord) -> object:
    reader = reader_of(house.settings, house.wired.workshop.keys)

    async def ask() -> object:
        await reader.open()
        try:
            return (await by_token(reader, certificate.token, at=now())).verdict
        finally:
            await reader.close()

    return anyio.run(ask)


def looked_up(house: House, who: dict[str, str]) -> tuple[CertificateRecord, ...]:
    found = holdings(
        house.wired.workshop,
        house.client,
        code_of(who),
        purpose="x",
        service_item=None,
        case_number=None,
        at=now(),
    )
    return found.certificates


def test_nothing_that_is_left_opens_anything_of_an_erased_holder(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    request = with_material(own, request_of(own, who))
    request["materials"][0]["trust"] = "C"
    answered = kept(own, request)
    (certificate,) = answered.certificates
    with workshop.database.reading(VAULT) as db:
        material_id = db.execute(select(materials.c.id)).scalar_one()
    verify(workshop, own.client, material_id, clerk="王某", note="", at=now())
    looked_up(own, who)
    case_id = case_of(own, answered)
    files = objects_of(own, case_id)
    assert len(files) == 2
    assert all(opened_by_any(own, filed, every_key(own)) for filed in files)
    uploaded_bytes(own, request["materials"][0]["sha256"])

    done = erased(own, code_of(who))

    assert (done.certificates, done.materials) == ((certificate.certificate_id,), (material_id,))
    assert (done.shared, done.cases) == ((), 1)
    left = every_key(own)
    assert left
    for filed in files:
        assert workshop.blobs.document_size(filed.stored_name) > 0
        assert not opened_by_any(own, filed, left)
    with pytest.raises(NotFound):
        uploaded_bytes(own, request["materials"][0]["sha256"])
    assert second_look(workshop, case_id) == 0
    found = fsck(workshop, progress=lambda _: None)
    assert found.problems == ()
    notes = {f.about for f in found.findings if f.weight is Weight.NOTE and "erased" in f.detail}
    assert notes == {certificate.identifier, f"material {material_id}"}


def test_neither_format_of_an_erased_holder_is_opened(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    request = request_as(own, "pdf", "ofd")
    request["case"]["applicant"] = request["results"][0]["holders"][0] = who
    answered = kept(own, request)
    case_id = case_of(own, answered)
    files = objects_of(own, case_id)
    assert len(files) == len({filed.place for filed in files}) == 2
    assert all(opened_by_any(own, filed, every_key(own)) for filed in files)
    erased(own, code_of(who))
    left = every_key(own)
    assert not any(opened_by_any(own, filed, left) for filed in files)
    assert second_look(workshop, case_id) == 0
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_nobody_finds_an_erased_holder(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    (certificate,) = kept(own, request_of(own, who)).certificates
    other = kept(own, request_of(own, company(2))).certificates[0]
    erased(own, code_of(who))
    with workshop.database.reading(VAULT) as db:
        assert find_holder(db, workshop.keys, code_of(who)) is None
    assert looked_up(own, who) == ()
    assert by_number(workshop, own.client, certificate.number, purpose="x", at=now()) == ()
    assert isinstance(public_verdict(own, certificate), Unrecognised)
    with pytest.raises(NotFound):
        document_for_client(workshop, own.client, certificate.certificate_id, DocumentFormat.PDF, at=now())
    with pytest.raises(NotFound):
        erased(own, code_of(who))
    assert_found_everywhere(own, other)


def test_their_own_file_says_what_is_still_true(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    (certificate,) = kept(own, request_of(own, who)).certificates
    pdf, query = sealed_bytes(own, certificate), select(log_leaves.c.leaf)
    with workshop.database.reading(VAULT) as db:
        leaves = db.execute(query).scalars().all()
    erased(own, code_of(who))
    report = by_file(workshop, pdf, at=now())
    assert isinstance(report.verdict, Genuine)
    assert ("holders_known", CheckResult.UNKNOWN) in [(c.name, c.result) for c in report.checks]
    shown = report_json(report)["certificate"]
    assert (shown["holders"], shown["number"], shown["identifier"]) == ([], "", certificate.identifier)
    # The log says what it said.
    with workshop.database.reading(VAULT) as db:
        assert db.execute(query).scalars().all() == leaves
        event = db.execute(select(audit_events).where(audit_events.c.action == "erase-holder")).one()
    assert (event.actor, event.details["certificates"]) == (OPERATOR, [str(certificate.certificate_id)])


def test_after_an_erasure_everything_begins_anew(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    request = request_of(own, who)
    kept(own, request)
    erased(own, code_of(who))
    with pytest.raises(Conflict, match="erased"):
        kept(own, request)
    again = kept(own, request_of(own, who)).certificates[0]
    assert_found_everywhere(own, again)
    rotated(own)
    retire(workshop)
    assert_found_everywhere(own, again)
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_nothing_in_the_database_names_an_erased_holder(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    (certificate,) = kept(own, request_of(own, who)).certificates
    indexes = {workshop.keys.index(*index_text(code_of(who)))}
    erased(own, code_of(who))
    with workshop.database.reading(VAULT) as db:
        row = db.execute(select(holders)).one()
        assert (row.code_index, row.data_key, row.sealed) == (None, None, None)
        assert row.erased_at is not None
        kept_row = db.execute(select(certificates)).one()
        assert (kept_row.data_key, kept_row.sealed) == (None, None)
        assert {kept_row.number_index, kept_row.code_index, kept_row.token_index}.isdisjoint(
            {
                workshop.keys.index(p, t)
                for p, t in (
                    ("certificate-number", certificate.number),
                    ("verification-code", certificate.verification_code),
                    ("qr-token", certificate.token),
                )
            }
        )
        case = db.execute(select(cases)).one()
        assert (case.data_key, case.sealed, case.applicant_index, case.request_digest) == (
            None,
            None,
            None,
            b"",
        )
        for table in ("holders", "certificates", "cases", "certificate_holders", "case_holders"):
            dump = str(db.execute(text(f"SELECT t::text FROM {table} t")).all())  # noqa: S608 - names above
            assert not any(index.hex() in dump for index in indexes)
            assert who["name"] not in dump
            assert who["code"] not in dump


def test_of_two_holders_one_goes_and_the_other_keeps_the_certificate(own: House) -> None:
    workshop = own.wired.workshop
    request = example_request(own.catalogue, "结婚证")
    answered = kept(own, request)
    (certificate,) = answered.certificates
    first, second = certificate.holders
    before = sealed_bytes(own, certificate)
    done = erased(own, first.code)
    assert (done.certificates, done.shared) == ((), (certificate.certificate_id,))
    (left,) = holdings(
        workshop, own.client, second.code, purpose="x", service_item=None, case_number=None, at=now()
    ).certificates
    assert left.holders == (second,)
    assert (left.number, left.token) == (certificate.number, certificate.token)
    told = str(left.fields)
    assert first.code.value not in told
    assert first.name not in told
    if any(first.code.value in str(value) or first.name == value for value in certificate.fields.values()):
        assert ERASED in told
    # The document is the other's, too, and stays as it was sealed.
    assert sealed_bytes(own, left) == before
    with workshop.database.reading(VAULT) as db:
        wraps = (
            db.execute(select(certificate_holders.c.data_key).order_by(certificate_holders.c.position))
            .scalars()
            .all()
        )
    assert wraps[0] is None
    assert wraps[1] is not None
    assert fsck(workshop, progress=lambda _: None).problems == ()
    rotated(own)
    assert_found_everywhere(own, left)
    filed = objects_of(own, case_of(own, answered))
    assert erased(own, second.code).certificates == (certificate.certificate_id,)
    assert not any(opened_by_any(own, each, every_key(own)) for each in filed)
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_retention_forbids_it(own: House) -> None:
    who = company(1)
    kept(own, request_of(own, who))
    for workshop, says in (
        (replace(own.wired.workshop, retention=timedelta(days=1)), "1 certificates and materials"),
        (replace(own.wired.workshop, retention=timedelta(days=3650)), "until 203"),
    ):
        with pytest.raises(Conflict, match=says):
            erase(workshop, code_of(who), actor=OPERATOR, at=now())
    assert erased(own, code_of(who)).certificates


def test_a_type_may_be_kept_for_longer_than_the_vault_says(
    own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = company(1)
    (certificate,) = kept(own, request_of(own, who)).certificates
    shelf = own.wired.workshop.shelf
    kinds = dict(shelf.types(now()))
    kinds[certificate.type_code] = replace(kinds[certificate.type_code], retention=timedelta(days=3660))
    monkeypatch.setattr(type(shelf), "types", lambda *_: kinds)
    with pytest.raises(Conflict, match="under retention"):
        erased(own, code_of(who))


def test_a_legal_hold_forbids_it_until_the_last_one_is_released(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    kept(own, request_of(own, who))
    code = code_of(who)
    with pytest.raises(Conflict, match="no legal hold"):
        release(workshop, code, reason="x", actor=OPERATOR, at=now())
    assert hold(workshop, code, reason="(2026) 样01执118", actor=OPERATOR, at=now()) == 1
    assert hold(workshop, code, reason="another court", actor=OPERATOR, at=now()) == 2
    assert release(workshop, code, reason="settled", actor=OPERATOR, at=now()) == 1
    with pytest.raises(Conflict, match="1 legal hold"):
        erased(own, code)
    with workshop.database.reading(VAULT) as db:
        shown = str(db.execute(select(hold_events)).all())
    assert "执118" not in shown
    assert release(workshop, code, reason="settled", actor=OPERATOR, at=now()) == 0
    assert erased(own, code).certificates
    with pytest.raises(NotFound):
        hold(workshop, code, reason="too late", actor=OPERATOR, at=now())


def test_a_refused_erasure_leaves_everything_as_it_was(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    request = with_material(own, request_of(own, who))
    (certificate,) = kept(own, request).certificates
    hold(workshop, code_of(who), reason="x", actor=OPERATOR, at=now())
    with pytest.raises(Conflict):
        erased(own, code_of(who))
    assert_found_everywhere(own, certificate)
    uploaded_bytes(own, request["materials"][0]["sha256"])


def test_a_case_that_was_never_committed_is_forgotten_with_whom_it_names(own: House) -> None:
    """Found by its request: who only holds a result of it stands in no index."""
    workshop, who = own.wired.workshop, company(1)
    kept(own, request_of(own, who))
    stranger = request_of(own, company(2))
    stranger["results"][0]["holders"] = [copy.deepcopy(who)]
    case = read_case(own.catalogue.in_force, own.client, stranger, at=now())
    reserve(workshop, case, at=now())
    assert erased(own, code_of(who)).cases == 2
    with workshop.database.reading(VAULT) as db:
        row = db.execute(select(cases).where(cases.c.committed_at.is_(None))).one()
    assert (row.data_key, row.sealed) == (None, None)
    # The approval system sends it again, as it would after any crash.
    (again,) = kept(own, stranger).certificates
    assert_found_everywhere(own, again)
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_an_applicant_who_holds_nothing_is_erased_from_the_case(own: House) -> None:
    workshop, agent = own.wired.workshop, company(1)
    request = request_of(own, company(2))
    request["case"]["applicant"] = agent
    (certificate,) = kept(own, request).certificates
    done = erased(own, code_of(agent))
    assert (done.certificates, done.cases) == ((), 1)
    assert_found_everywhere(own, certificate)
    with workshop.database.reading(VAULT) as db:
        assert len(db.execute(select(case_holders)).all()) == 2


def test_deposits_and_erasures_at_once_leave_no_half(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    for _ in range(4):
        kept(own, request_of(own, who))
        barrier = Barrier(3)
        requests = [request_of(own, who) for _ in range(2)]

        def deposit_it(request: dict[str, Any], barrier: Barrier = barrier) -> CertificateRecord:
            barrier.wait()
            return kept(own, request).certificates[0]

        def erase_it(barrier: Barrier = barrier) -> Erasure:
            barrier.wait()
            return erased(own, code_of(who))

        with ThreadPoolExecutor(3) as pool:
            made = [pool.submit(deposit_it, request) for request in requests]
            pool.submit(erase_it).result()
            for each in made:
                each.result()
    assert fsck(workshop, progress=lambda _: None).problems == ()
    with workshop.database.reading(VAULT) as db:
        alive = db.execute(select(holders).where(holders.c.code_index.is_not(None))).all()
    assert len(alive) <= 1
    assert holder_rows(own) >= 4


def test_uses_their_copies_and_their_words_go_with_the_last_holder(own: House) -> None:
    workshop, lived = own.wired.workshop, live_in(keeping(own))
    copied = copy_filed(own, lived.use)
    assert opened_by_any(own, copied, every_key(own), read_copy)
    with workshop.database.reading(VAULT) as db:
        assert db.execute(select(reserved_holders)).all()
        ids = set(db.execute(select(uses.c.id)).scalars())

    settle(own, lived)
    done = erased(own, lived.code, at=now() + ORDERS_END)

    assert set(done.uses) == ids
    assert not opened_by_any(own, copied, every_key(own), read_copy)
    with workshop.database.reading(VAULT) as db:
        assert db.execute(select(reserved_holders)).all() == []
        assert db.execute(select(uses.c.id).where(uses.c.sealed.is_not(None))).all() == []
        known = find_use(db, workshop.keys, lived.use.use_id)
    assert known is not None
    assert (known.erased, known.purpose, known.case_number, known.clerk) == (True, "", "", None)
    # The copy is known for what it was, and says nothing of anybody.
    report = by_file(workshop, lived.pdf, at=now())
    assert report.verdict == NotInForce(None, "copy_erased")
    shown = report_json(report)["usage_copy"]
    assert (shown["purpose"], shown["case_number"], shown["organisation"]) == ("", "", "")
    with pytest.raises(NotFound, match="erased"):
        copy_for_client(workshop, own.client, lived.use.use_id, at=now())
    with pytest.raises(NotFound):
        used(own, lived.wanted)
    assert discard_copy(workshop, copied.stored_name, at=now()) is True
    # What was written about it is in nobody's audit trail; that something was used, is.
    of_certificate = AuditQuestion(certificate_id=lived.certificate.certificate_id)
    steps = find(workshop, AUDITOR, of_certificate, limit=99, at=now())
    made = [event for event in steps if event.action in {"use-make", "use-code"}]
    assert made
    assert {event.reasons for event in made} == {None}
    of_case = AuditQuestion(case_number=LOOKED_FOR, action="holdings")
    (look,) = find(workshop, AUDITOR, of_case, limit=9, at=now())
    assert look.reasons is None
    assert fsck(workshop, progress=lambda _: None).problems == ()
    rotated(own)
    retire(workshop)
    # Nobody can tell any more for which case it was.
    assert find(workshop, AUDITOR, of_case, limit=9, at=now()) == ()
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_the_audit_trail_holds_after_an_erasure_and_the_rotation_that_follows(own: House) -> None:
    lived = live_in(keeping(own))
    settle(own, lived)
    chained(own)
    erased(own, lived.code, at=now() + ORDERS_END)
    assert contradictions(own) == []
    rotated(own)
    retire(own.wired.workshop)
    assert contradictions(own) == []
    chained(own)
    assert contradictions(own) == []


def test_a_use_of_what_two_hold_goes_on_for_the_other(own: House) -> None:
    workshop = own.wired.workshop
    (certificate,) = kept(own, example_request(own.catalogue, "结婚证")).certificates
    first, second = certificate.holders
    made = used(own, asked(certificate, purpose=f"为{first.code.value}办理"))
    other = used(own, asked(certificate, copy=False))
    pdf = copy_bytes(own, made.use)
    done = erased(own, first.code)
    assert done.uses == ()
    assert {made.use.use_id, other.use.use_id} <= set(done.shared)
    with workshop.database.reading(VAULT) as db:
        one, two = (find_use(db, workshop.keys, use.use.use_id) for use in (made, other))
    assert one is not None
    assert (one.erased, one.purpose, one.case_number) == (False, ERASED, made.use.case_number)
    assert two == other.use
    assert copy_bytes(own, made.use) == pdf
    assert isinstance(by_file(workshop, pdf, at=now()).verdict, Genuine)
    rotated(own)
    assert copy_bytes(own, made.use) == pdf
    copied = copy_filed(own, made.use)
    assert set(erased(own, second.code).uses) == {made.use.use_id, other.use.use_id}
    assert not opened_by_any(own, copied, every_key(own), read_copy)
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_uses_and_erasures_at_once_leave_no_half(own: House) -> None:
    """A use that comes too late finds nothing to use; one that comes first is erased with what it used."""
    workshop, who = own.wired.workshop, company(1)
    for _ in range(4):
        (certificate,) = kept(own, request_of(own, who)).certificates
        barrier = Barrier(3)

        def use_it(
            certificate: CertificateRecord = certificate, barrier: Barrier = barrier
        ) -> UseRecord | None:
            barrier.wait()
            try:
                return used(own, asked(certificate, copy=False)).use
            except NotFound:
                return None

        def erase_it(barrier: Barrier = barrier) -> Erasure:
            barrier.wait()
            return erased(own, code_of(who))

        with ThreadPoolExecutor(3) as pool:
            made = [pool.submit(use_it) for _ in range(2)]
            done = pool.submit(erase_it).result()
            found = {use.use_id for each in made if (use := each.result()) is not None}
        assert set(done.uses) == found
    with workshop.database.reading(VAULT) as db:
        assert db.execute(select(uses.c.id).where(uses.c.sealed.is_not(None))).all() == []
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_the_directories_leave_out_whom_they_cannot_name(own: House, tmp_path: Path) -> None:
    gone = kept(own, request_of(own, company(1))).certificates[0]
    there = kept(own, request_of(own, company(2))).certificates[0]
    erased(own, code_of(company(1)))
    done = export_directories(
        own.wired.workshop,
        tmp_path / "directories",
        Format.CSV,
        after=None,
        actor=OPERATOR,
        at=now(),
        progress=lambda _: None,
    )
    assert (done.certificates, done.damaged_count) == (1, 0)
    written = "".join((done.folder / file.name).read_text(encoding="utf-8") for file in done.files)
    assert there.identifier in written
    assert gone.identifier not in written
