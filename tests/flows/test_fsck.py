"""fsck finds what it claims to find: each kind of damage is done on purpose."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from storage.blobs import BlobStore, StoreAddress
from storage.embedded import EngineAddresses
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.requests import example_request
from vault.fsck import FsckReport, fsck
from vault.model.certificate import CertificateRecord

pytestmark = pytest.mark.engines


@pytest.fixture
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


def checked(house: House) -> FsckReport:
    return fsck(house.wired.workshop, progress=lambda _: None)


def changed(house: House, statement: str, **values: object) -> None:
    with house.wired.workshop.database.writing() as db:
        db.execute(text(statement), values)


def test_a_whole_vault_has_no_problem(house: House, certificate: CertificateRecord) -> None:
    report = checked(house)
    assert report.problems == ()
    assert report.certificates > 0
    assert report.objects >= report.certificates
    assert certificate.identifier not in {f.about for f in report.findings}


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("status", "revoked", "newest event"),
        ("valid_to", "2199-01-01", "does not follow from the row"),
    ],
)
def test_a_changed_row_is_found(
    house: House, certificate: CertificateRecord, column: str, value: str, says: str
) -> None:
    name = {"id": certificate.certificate_id}
    before = certificate.status.value if column == "status" else certificate.valid_to
    changed(house, f"UPDATE certificates SET {column} = '{value}' WHERE id = :id", **name)  # noqa: S608 - literals of this test
    try:
        problems = checked(house).problems
    finally:
        changed(house, f"UPDATE certificates SET {column} = :old WHERE id = :id", old=before, **name)  # noqa: S608 - as above
    assert [p.about for p in problems] == [certificate.identifier]
    assert says in problems[0].detail


def test_a_successor_that_does_not_name_it_is_found(house: House) -> None:
    old = deposited(house, example_request(house.catalogue)).certificates[0]
    renewal = example_request(house.catalogue)
    renewal["results"][0]["supersedes"] = str(old.certificate_id)
    new = deposited(house, renewal).certificates[0]
    assert checked(house).problems == ()
    ids = {"old": old.certificate_id, "new": new.certificate_id}
    changed(house, "UPDATE certificates SET superseded_by = :old WHERE id = :old", **ids)
    try:
        problems = checked(house).problems
    finally:
        changed(house, "UPDATE certificates SET superseded_by = :new WHERE id = :old", **ids)
    assert [(p.about, p.detail) for p in problems] == [(old.identifier, "Its successor does not name it.")]


EVENT = (
    "INSERT INTO status_events (certificate_id, action, status, actor, effective_on, at) "
    "VALUES (:id, '{}', 'valid', 'x', '2026-11-20', now())"
)
LEAF = (
    "INSERT INTO log_leaves (certificate_id, leaf, leaf_hash, promise) SELECT certificate_id, leaf || 'x', "
    "sha256('\\x00' || leaf || 'x'), promise FROM log_leaves WHERE certificate_id = :id"
)


@pytest.mark.parametrize(
    ("table", "statement", "says"),
    [
        ("status_events", EVENT.format("inspect"), "expected 1, got 0"),
        ("status_events", EVENT.format("resume"), "forbidden step: resume of a certificate that was valid"),
        ("log_leaves", LEAF, "expected 0, got 1"),
    ],
)
def test_an_event_without_its_leaf_and_a_leaf_without_its_event_are_found(
    house: House, certificate: CertificateRecord, table: str, statement: str, says: str
) -> None:
    values = {"id": certificate.certificate_id}
    changed(house, statement, **values)
    try:
        problems = checked(house).problems
    finally:
        # History is insert-only: only the table's owner, with its guard off, can mend it for the other tests.
        with house.wired.workshop.database.writing() as db:
            db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            newest = f"SELECT max(id) FROM {table} WHERE certificate_id = :id"  # noqa: S608 - literals of this test
            db.execute(text(f"DELETE FROM {table} WHERE id = ({newest})"), values)  # noqa: S608 - as above
            db.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    assert {p.about for p in problems} == {certificate.identifier}
    assert any(says in p.detail for p in problems)
    assert checked(house).problems == ()


def test_a_lost_object_is_found(house: House, certificate: CertificateRecord) -> None:
    values = {"id": certificate.certificate_id}
    digest = bytes.fromhex(certificate.documents[0].sha256)
    elsewhere = hashlib.sha256(b"never stored").digest()
    changed(house, "UPDATE documents SET sha256 = :d WHERE certificate_id = :id", d=elsewhere, **values)
    try:
        details = [p.detail for p in checked(house).problems]
    finally:
        changed(house, "UPDATE documents SET sha256 = :d WHERE certificate_id = :id", d=digest, **values)
    assert any("has lost document" in d for d in details)


def test_an_object_that_nothing_explains_is_found(engines: EngineAddresses, house: House) -> None:
    """In a bucket of its own: a locked object cannot be taken away again for the other tests."""
    address = StoreAddress(
        engines.s3_endpoint, engines.s3_access_key, engines.s3_secret_key, "certvault-strange", "certvault-in"
    )
    blobs = BlobStore(address)
    blobs.prepare()
    content = b"%PDF- smuggled in"
    digest = hashlib.sha256(content).hexdigest()
    blobs.put_document(
        content,
        digest,
        content_type="application/pdf",
        retain_until=datetime.now(UTC) + timedelta(days=1),
        origin={},
    )
    report = fsck(replace(house.wired.workshop, blobs=blobs), progress=lambda _: None)
    assert (digest, "No row names this object and nothing explains it.") in [
        (p.about, p.detail) for p in report.problems
    ]
