"""A holder is erased by destroying keys: what forbids it, what nobody reads then, and what is still true."""

import copy
from collections.abc import Iterator
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
from sqlalchemy import select, text

from api.wiring import reader_of
from storage.embedded import EngineAddresses
from storage.envelope import DataKey
from storage.envelope.sealing import unwrapped
from storage.holders import find_holder, index_text
from storage.objects import FiledObject, objects_of_case, read_object
from storage.tables import (
    audit_events,
    case_holders,
    cases,
    certificate_holders,
    certificates,
    hold_events,
    holders,
    log_leaves,
    material_holders,
    materials,
    upload_keys,
)
from tests.conftest import House
from tests.files import sealed_bytes, uploaded_bytes
from tests.flows.test_deposit import case_of, deposited
from tests.flows.test_rotation import (
    assert_found_everywhere,
    company,
    holder_rows,
    request_of,
    rotated,
    with_material,
)
from tests.requests import example_request
from tests.vaults import own_vault
from vault.deposit import Deposited, read_case
from vault.deposit.reserving import reserve
from vault.download import document_for_client
from vault.erasing import ERASED, Erasure, erase, hold, release
from vault.errors import Conflict, IntegrityError, NotFound
from vault.fsck import Weight, fsck
from vault.lookup import by_number, holdings
from vault.material_archive import verify
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.verdict import CheckResult, Genuine, Unrecognised
from vault.rotating import retire
from vault.second_look import second_look
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


def kept(house: House, request: dict[str, Any]) -> Deposited:
    """Deposits as a vault does that keeps for a day; what is asked later is asked of one that need not."""
    workshop = replace(house.wired.workshop, retention=timedelta(days=1))
    return deposited(replace(house, wired=replace(house.wired, workshop=workshop)), request)


def code_of(holder: dict[str, str]) -> HolderCode:
    return HolderCode.parse(holder["code_type"], holder["code"])


def erased(house: House, code: HolderCode) -> Erasure:
    return erase(house.wired.workshop, code, actor=OPERATOR, at=now())


def every_key(house: House) -> list[DataKey]:
    """Every key that the database and the key ring still give to somebody who has both."""
    workshop, found = house.wired.workshop, []
    with workshop.database.reading() as db:
        wraps = [
            row.data_key
            for table in (
                holders,
                cases,
                certificates,
                materials,
                upload_keys,
                certificate_holders,
                material_holders,
                audit_events,
            )
            for row in db.execute(select(table.c.data_key).where(table.c.data_key.is_not(None)))
        ]
        places = [
            f"{table.name}.data_key:{row.id}"
            for table in (holders, cases, certificates, materials, upload_keys)
            for row in db.execute(select(table.c.id))
        ]
        for table, column in ((certificate_holders, "certificate_id"), (material_holders, "material_id")):
            places += [
                f"{table.name}.data_key:{getattr(row, column)}:{row.holder_id}"
                for row in db.execute(select(table))
            ]
    outer = [key.key for key in workshop.keys.keys.wrapping.values()]
    found = list(outer)
    for _ in range(3):  # keys that open keys that open keys
        for wrapped in wraps:
            for place in places:
                for key in list(found):
                    try:
                        inner = unwrapped(key, wrapped, place)
                    except IntegrityError:
                        continue
                    if inner not in found:
                        found.append(inner)
    return [DataKey(key) for key in found]


def objects_of(house: House, case_id: UUID) -> tuple[FiledObject, ...]:
    with house.wired.workshop.database.reading() as db:
        return objects_of_case(db, house.wired.workshop.keys, case_id)


def opened_by_any(house: House, filed: FiledObject, keys: list[DataKey]) -> bool:
    for key in keys:
        try:
            read_object(house.wired.workshop.blobs, replace(filed, key=key))
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
    with workshop.database.reading() as db:
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


def test_nobody_finds_an_erased_holder(own: House) -> None:
    workshop, who = own.wired.workshop, company(1)
    (certificate,) = kept(own, request_of(own, who)).certificates
    other = kept(own, request_of(own, company(2))).certificates[0]
    erased(own, code_of(who))
    with workshop.database.reading() as db:
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
    with workshop.database.reading() as db:
        leaves = db.execute(query).scalars().all()
    erased(own, code_of(who))
    report = by_file(workshop, pdf, at=now())
    assert isinstance(report.verdict, Genuine)
    assert ("holders_known", CheckResult.UNKNOWN) in [(c.name, c.result) for c in report.checks]
    shown = report_json(report)["certificate"]
    assert (shown["holders"], shown["number"], shown["identifier"]) == ([], "", certificate.identifier)
    # The log says what it said.
    with workshop.database.reading() as db:
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
    with workshop.database.reading() as db:
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
    with workshop.database.reading() as db:
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
    with workshop.database.reading() as db:
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
    case = read_case(own.catalogue.types, own.client, stranger, at=now())
    reserve(workshop, case, at=now())
    assert erased(own, code_of(who)).cases == 2
    with workshop.database.reading() as db:
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
    with workshop.database.reading() as db:
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
    with workshop.database.reading() as db:
        alive = db.execute(select(holders).where(holders.c.code_index.is_not(None))).all()
    assert len(alive) <= 1
    assert holder_rows(own) >= 4
