"""fsck cut into parts: every row and object is in exactly one of them, however they are cut."""

import secrets
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from sqlalchemy import Table, func, select

from storage import envelopes_on_file, inspection, on_file
from storage.db import ReadConnection
from storage.embedded import EngineAddresses
from storage.envelopes_on_file import TABLES
from storage.spans import Span, within
from storage.tables import audit_events, cases, certificates, materials
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.flows.test_fsck import checked_after
from tests.requests import example_request
from tests.trials import checked
from tests.vaults import own_vault
from vault.errors import Unavailable
from vault.fsck import Hands, Part, PartDone, examine, examining, flow, fsck, is_worth_processes
from vault.fsck.parts import (
    CasePart,
    CertificatePart,
    EnvelopePart,
    EventPart,
    MaterialPart,
    ObjectPart,
)
from vault.model.certificate import CertificateRecord
from vault.model.scope import VAULT
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

CERTIFICATES = 5
# Below, at, and above what there is; and one to a part.
CUTS = [1, 2, CERTIFICATES, CERTIFICATES + 1]


@pytest.fixture(scope="module")
def house(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault of their own with a few certificates and materials."""
    with own_vault(engines, tmp_path_factory.mktemp("parts"), f"parts_{secrets.token_hex(4)}") as own:
        for _ in range(CERTIFICATES):
            deposited(own, example_request(own.catalogue))
        yield own


@pytest.fixture
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


def parts_of(house: House) -> list[Part]:
    """What fsck hands out."""
    handed_out: list[Part] = []

    def submit(part: Part) -> "Future[PartDone]":
        handed_out.append(part)
        done: Future[PartDone] = Future()
        done.set_result(PartDone(()))
        return done

    fsck(house.wired.workshop, progress=lambda _: None, hands=Hands(submit, 3))
    return handed_out


def covered(db: ReadConnection, table: Table, spans: list[Span]) -> Counter[object]:
    """How many of the spans each row is in."""
    return Counter(
        row.id for span in spans for row in db.execute(within(select(table.c.id), table.c.id, span))
    )


@pytest.mark.parametrize("rows", CUTS)
def test_every_row_and_object_is_in_one_part_and_in_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(flow, "PAGE_ROWS", rows)
    monkeypatch.setattr(inspection, "PAGE_ROWS", rows)
    monkeypatch.setattr(envelopes_on_file, "SPAN_ROWS", rows)
    parts = parts_of(house)
    by_table: dict[Table, list[Span]] = {
        certificates: [each.span for each in parts if isinstance(each, CertificatePart)],
        materials: [each.span for each in parts if isinstance(each, MaterialPart)],
        cases: [each.span for each in parts if isinstance(each, CasePart)],
        audit_events: [each.span for each in parts if isinstance(each, EventPart)],
    }
    envelopes = [each for each in parts if isinstance(each, EnvelopePart)]
    of_envelopes = {
        table: [each.span for each in envelopes if each.table == name] for name, table in TABLES.items()
    }
    with house.wired.workshop.database.reading(VAULT) as db:
        for table, spans in [*by_table.items(), *of_envelopes.items()]:
            there = db.execute(select(func.count()).select_from(table)).scalar_one()
            found = covered(db, table, spans)
            assert len(found) == there, table.name
            assert set(found.values()) <= {1}, table.name
            assert len(spans) == there // rows + 1, table.name
    objects = Counter(name for each in parts if isinstance(each, ObjectPart) for name in each.names)
    stored = {each.name for each in house.wired.workshop.blobs.documents()}
    assert objects == Counter(stored)
    assert all(len(each.names) <= rows for each in parts if isinstance(each, ObjectPart))


@pytest.mark.parametrize("rows", CUTS)
def test_every_page_of_a_part_is_looked_at(house: House, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    whole = checked(house)
    monkeypatch.setattr(on_file, "PAGE_ROWS", rows)
    heard: list[int] = []
    report = fsck(house.wired.workshop, progress=heard.append)
    assert report == whole
    assert heard == sorted(heard)
    assert heard[-1] == report.certificates + report.objects


def test_a_finding_of_any_certificate_is_reported_whatever_the_cut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of a page, at its beginning, and in the last part, which is open."""
    for module in (flow, on_file):
        monkeypatch.setattr(module, "PAGE_ROWS", 2)
    with house.wired.workshop.database.reading(VAULT) as db:
        identifiers = set(db.execute(select(certificates.c.identifier)).scalars())
    report = checked_after(house, "UPDATE certificates SET number_index = sha256(id::text::bytea)")
    assert {each.about for each in report.problems} == identifiers
    assert len(report.problems) == len(identifiers)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE documents SET size_bytes = size_bytes + 1", "the object has"),
        ("UPDATE documents SET sm3 = sha256('another')", "The SM3 digest is not that of the object"),
        ("UPDATE documents SET sha256 = sha256('another')", "The object store answers document"),
    ],
)
def test_a_file_that_is_not_what_its_row_says_is_found(
    house: House, certificate: CertificateRecord, change: str, says: str
) -> None:
    found = checked_after(house, f"{change} WHERE certificate_id = :id", id=certificate.certificate_id)
    assert {each.about for each in found.problems} == {certificate.identifier}
    assert any(says in each.detail for each in found.problems), found.problems


def test_a_promise_that_the_logs_key_did_not_sign_is_found(
    house: House, certificate: CertificateRecord
) -> None:
    unguarded = "ALTER TABLE log_leaves DISABLE TRIGGER USER"
    later = (
        "UPDATE log_leaves"
        " SET promise = jsonb_set(promise::jsonb, '{include_by}', '\"2099-01-01T00:00:00Z\"')::text"
        " WHERE certificate_id = :id"
    )
    (found,) = checked_after(house, unguarded, later, id=certificate.certificate_id).problems
    assert found.about == certificate.identifier
    assert "signature" in found.detail


def test_a_committed_case_that_lacks_what_it_reserved_is_found(
    house: House, certificate: CertificateRecord
) -> None:
    more = (
        "INSERT INTO reservations (certificate_id, case_id, position, identifier, lineage, version)"
        " SELECT gen_random_uuid(), case_id, 7, identifier || 'x', lineage || 'x', 1 FROM reservations"
        " WHERE certificate_id = :id"
    )
    (found,) = checked_after(house, more, id=certificate.certificate_id).problems
    assert found.detail == "A committed case lacks a certificate that it reserved."
    given_up = "UPDATE reservations SET abandoned_at = now() WHERE position = 7"
    assert checked_after(house, more, given_up, id=certificate.certificate_id).problems == ()


def test_processes_are_for_more_than_one_of_them_looks_at_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.wired.workshop.database.reading(VAULT) as db:
        there = db.execute(select(func.count()).select_from(certificates)).scalar_one()
    for few, worth in ((there - 1, True), (there, True), (there + 1, False)):
        monkeypatch.setattr(flow, "FEW_CERTIFICATES", few)
        assert is_worth_processes(house.wired.workshop) is worth


@pytest.mark.parametrize("nth", [1, 4])
def test_a_part_that_was_not_looked_at_leaves_no_report(
    house: House, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    looked_at: list[Part] = []

    def away(workshop: Workshop, part: Part) -> PartDone:
        looked_at.append(part)
        if len(looked_at) == nth:
            raise Unavailable("The database does not answer.")
        return examine(workshop, part)

    monkeypatch.setattr(examining, "examine", away)
    with pytest.raises(Unavailable):
        checked(house)
    assert len(looked_at) == nth
