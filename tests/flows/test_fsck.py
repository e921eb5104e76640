"""fsck finds what it claims to find: each kind of damage is done on purpose."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import select, text

from storage.blobs import BlobStore
from storage.db import Database, ReadConnection
from storage.embedded import EngineAddresses
from storage.holders import find_holder
from storage.s3 import StoreAddress
from storage.tables import certificates, materials
from tests.conftest import House
from tests.files import filed
from tests.flows.test_deposit import deposited, uploaded_pdf
from tests.requests import example_request, new_case_number
from tests.trials import checked
from tests.vaults import own_vault
from vault.closing import reconcile
from vault.deposit import read_case
from vault.deposit.reserving import ReservedCase, forget, reserve
from vault.fsck import FsckReport, fsck
from vault.material_archive import verify
from vault.model.certificate import CertificateRecord
from vault.model.scope import VAULT, Scope
from vault.uses import make_use, read_use

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def house(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault of their own: these tests read all of it again and again."""
    with own_vault(engines, tmp_path_factory.mktemp("fsck"), f"fsck_{secrets.token_hex(4)}") as own:
        yield own


@pytest.fixture
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


def changed(house: House, statement: str, **values: object) -> None:
    with house.owner.writing(VAULT) as db:
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


FOUND_BY_NOBODY = (
    "UPDATE holders SET code_index = sha256('another') FROM certificate_holders AS of_it"
    " WHERE holders.id = of_it.holder_id AND of_it.certificate_id = :id"
)
EVENT = (
    "INSERT INTO status_events (certificate_id, action, status, actor, effective_on, at) "
    "VALUES (:id, '{}', 'valid', 'x', '2026-11-20', now())"
)
LEAF = (
    "INSERT INTO log_leaves (certificate_id, leaf, leaf_hash, promise) SELECT certificate_id, leaf || 'x', "
    "sha256('\\x00' || leaf || 'x'), promise FROM log_leaves WHERE certificate_id = :id"
)


def test_an_event_that_is_not_in_the_feed_is_found(house: House, certificate: CertificateRecord) -> None:
    gone = "DELETE FROM changes WHERE certificate_id = :id"
    unguarded = "ALTER TABLE changes DISABLE TRIGGER USER"
    report = checked_after(house, unguarded, gone, id=certificate.certificate_id)
    assert [(p.about, p.detail) for p in report.problems] == [
        (certificate.identifier, "An event of it is not in the feed of changes.")
    ]


def test_a_lost_object_is_found(house: House, certificate: CertificateRecord) -> None:
    values = {"id": certificate.certificate_id}
    name = filed(house, certificate).name
    statement = "UPDATE documents SET object_name = :name WHERE certificate_id = :id"
    changed(house, statement, name=f"00/{certificate.certificate_id}/never-stored", **values)
    try:
        details = [p.detail for p in checked(house).problems]
    finally:
        changed(house, statement, name=name, **values)
    assert any("has lost document" in d for d in details)


class Inside:
    """The vault's database as one transaction sees it: fsck reads damage that is never committed."""

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection

    @contextmanager
    def reading(self, _scope: Scope) -> Iterator[ReadConnection]:
        """The transaction's own connection."""
        yield self._connection

    snapshot = reading


class UndoneError(Exception):
    """Rolls the damage back."""


def checked_after(house: House, *statements: str, **values: object) -> FsckReport:
    """What fsck finds while this damage is there."""
    workshop = house.wired.workshop
    report = None
    with suppress(UndoneError), house.owner.writing(VAULT) as db:
        for statement in statements:
            assert db.execute(text(statement), values).rowcount != 0
        inside = cast("Database", Inside(db))
        report = fsck(replace(workshop, database=inside), progress=lambda _: None)
        raise UndoneError
    assert report is not None
    return report


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (EVENT.format("inspect"), "expected 1, got 0"),
        (EVENT.format("resume"), "forbidden step: resume of a certificate that was valid"),
        (LEAF, "expected 0, got 1"),
    ],
    ids=range(3),
)
def test_an_event_without_its_leaf_and_a_leaf_without_its_event_are_found(
    house: House, certificate: CertificateRecord, statement: str, says: str
) -> None:
    problems = checked_after(house, statement, id=certificate.certificate_id).problems
    assert {p.about for p in problems} == {certificate.identifier}
    assert any(says in p.detail for p in problems)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE certificates SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE id = :id",
            "does not open",
        ),
        (
            "UPDATE certificate_holders SET data_key = data_key || 'x' WHERE certificate_id = :id",
            "does not open",
        ),
        ("UPDATE certificate_holders SET data_key = '' WHERE certificate_id = :id", "cannot be read"),
        (
            "UPDATE certificate_holders SET data_key = NULL WHERE certificate_id = :id",
            "has lost its envelope",
        ),
        ("UPDATE certificates SET sealed = NULL WHERE id = :id", "has lost its envelope"),
        ("UPDATE certificates SET status = 'gone' WHERE id = :id", "cannot be read"),
        ("UPDATE documents SET level = 'gone' WHERE certificate_id = :id", "cannot be read"),
        ("DELETE FROM documents WHERE certificate_id = :id", "lost its sealed files"),
        (
            "UPDATE certificates SET number_index = sha256('another') WHERE id = :id",
            "not found by its number",
        ),
        (
            "UPDATE certificates SET code_index = sha256('another') WHERE id = :id",
            "not found by its verification",
        ),
        (
            "UPDATE certificates SET token_index = sha256('another') WHERE id = :id",
            "not found by its QR token",
        ),
        (
            FOUND_BY_NOBODY,
            "not found by its holders",
        ),
    ],
    ids=range(12),
)
def test_a_damaged_certificate_is_reported_and_the_rest_still_looked_at(
    house: House, certificate: CertificateRecord, statement: str, says: str
) -> None:
    other = deposited(house, example_request(house.catalogue)).certificates[0]
    gone = "DELETE FROM certificate_holders WHERE certificate_id = :other"
    ids = {"id": certificate.certificate_id, "other": other.certificate_id}
    report = checked_after(house, statement, gone, **ids)
    found = {f.about: f.detail for f in report.problems if f.about == certificate.identifier}
    assert says in found[certificate.identifier]
    assert other.identifier in {f.about for f in report.problems}
    assert report.certificates == checked(house).certificates


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DELETE FROM log_leaves WHERE certificate_id = :id", "lost its log leaf"),
        ("UPDATE log_leaves SET promise = 'x' WHERE certificate_id = :id", "promise cannot be read"),
        ("UPDATE log_leaves SET promise = '[]' WHERE certificate_id = :id", "promise cannot be read"),
        (
            "UPDATE log_leaves SET leaf_hash = sha256('another') WHERE certificate_id = :id",
            "not that of its content",
        ),
    ],
    ids=range(4),
)
def test_damage_that_the_database_refuses_is_found_where_its_owner_did_it(
    house: House, certificate: CertificateRecord, change: str, says: str
) -> None:
    unguarded = "ALTER TABLE log_leaves DISABLE TRIGGER USER"
    problems = checked_after(house, unguarded, change, id=certificate.certificate_id).problems
    assert {p.about for p in problems} == {certificate.identifier}
    assert any(says in p.detail for p in problems)


def test_an_event_that_cannot_be_read_is_found_and_the_rest_still_looked_at(
    house: House, certificate: CertificateRecord
) -> None:
    values = {"id": certificate.certificate_id}
    gone = "DELETE FROM certificate_holders WHERE certificate_id = :id"
    problems = checked_after(house, EVENT.format("gone"), gone, **values).problems
    assert {p.about for p in problems} == {certificate.identifier}
    for says in ("An event of its history cannot be read", "has lost its envelope"):
        assert any(says in p.detail for p in problems)


@pytest.mark.parametrize(
    ("statement", "about", "says"),
    [
        (
            "UPDATE cases SET sealed = sealed || 'x' WHERE id = :case",
            "cases",
            "open",
        ),
        (
            "UPDATE materials SET sealed = sealed || 'x' WHERE case_id = :case",
            "materials",
            "",
        ),
        (
            "UPDATE holders SET sealed = sealed || 'x' WHERE id = :holder",
            "holders",
            "open",
        ),
        (
            "UPDATE holders SET code_index = sha256('another') WHERE id = :holder",
            "holders",
            "does not follow",
        ),
    ],
    ids=["case", "material", "holder", "holder's index"],
)
def test_a_damaged_envelope_of_anything_is_found(house: House, statement: str, about: str, says: str) -> None:
    request = example_request(house.catalogue)
    request["materials"] = [
        {
            "type": "CL9999",
            "name": "营业执照副本",
            "sha256": uploaded_pdf(house, "material for fsck"),
            "trust": "B",
            "holders": request["results"][0]["holders"],
        }
    ]
    (certificate,) = deposited(house, request).certificates
    workshop = house.wired.workshop
    with workshop.database.reading(VAULT) as db:
        which = select(certificates.c.case_id).where(certificates.c.id == certificate.certificate_id)
        case = db.execute(which).scalar_one()
        holder = find_holder(db, workshop.keys, certificate.holders[0].code)
    problems = checked_after(house, statement, case=case, holder=holder).problems
    assert any(p.about.startswith(about + " ") and says in p.detail for p in problems)
    assert checked(house).problems == ()


@pytest.mark.parametrize(
    ("verified", "change", "says"),
    [
        (False, "UPDATE materials SET trust = 'A' WHERE id = :id", "by its case and its events it is C"),
        (True, "UPDATE materials SET trust = 'A' WHERE id = :id", "by its case and its events it is B"),
        (True, "UPDATE materials SET trust = 'C' WHERE id = :id", "by its case and its events it is B"),
        (True, "UPDATE materials SET verified_by = NULL WHERE id = :id", "contradict each other"),
        (False, "UPDATE materials SET verified_by = 'suite' WHERE id = :id", "contradict each other"),
    ],
)
def test_a_level_that_nothing_explains_is_found(
    house: House,
    verified: bool,  # noqa: FBT001 - a table's column
    change: str,
    says: str,
) -> None:
    workshop, request = house.wired.workshop, example_request(house.catalogue)
    holders, digest = request["results"][0]["holders"], uploaded_pdf(house, f"level {verified} {change}")
    request["materials"] = [
        {"type": "CL9999", "name": "材料", "sha256": digest, "trust": "C", "holders": holders}
    ]
    deposited(house, request)
    with workshop.database.reading(VAULT) as db:
        which = select(materials.c.id).where(materials.c.sha256 == bytes.fromhex(digest))
        material = db.execute(which).scalar_one()
    if verified:
        verify(workshop, house.client, material, clerk="文样窗", note="", at=datetime.now(UTC))
    assert checked(house).problems == ()
    problems = checked_after(house, change, id=material).problems
    assert [(p.about, says in p.detail) for p in problems] == [(f"material {material}", True)]


def test_a_refused_case_whose_contents_are_forgotten_is_no_open_end(house: House) -> None:
    workshop, request, at = house.wired.workshop, example_request(house.catalogue), datetime.now(UTC)
    case = read_case(house.catalogue.in_force, house.client, request, at=at)
    begun = reserve(workshop, case, at=at)
    assert isinstance(begun, ReservedCase)
    assert case.number in {note.about for note in checked(house).findings}
    forget(workshop, case, begun, at=at)
    assert case.number not in {note.about for note in checked(house).findings}
    assert case.number not in {r.case_number for r in reconcile(workshop, None, []).reserved}
    (certificate,) = deposited(house, request).certificates
    assert certificate.version == 1


@pytest.mark.parametrize(
    ("statement", "about", "says"),
    [
        ("UPDATE uses SET sealed = sealed || 'x' WHERE id = :use", "uses {}", "open"),
        ("UPDATE uses SET revoked_at = now() WHERE id = :use", "use {}", "contradict each other"),
        (
            "INSERT INTO use_events (use_id, action, actor, at) VALUES (:use, 'revoke', 'x', now())",
            "use {}",
            "contradict each other",
        ),
    ],
    ids=["envelope", "state", "event"],
)
def test_a_damaged_use_is_found(
    house: House, certificate: CertificateRecord, statement: str, about: str, says: str
) -> None:
    workshop, at = house.wired.workshop, datetime.now(UTC)
    wanted = {
        "certificate_id": str(certificate.certificate_id),
        "case_number": new_case_number(),
        "service_item": "990100000117002",
        "purpose": "样例",
        "copy": False,
    }
    made = make_use(workshop, house.client, read_use(workshop.shelf, house.client, wanted, at=at), at=at)
    use_id = made.use.use_id
    found = {p.about: p.detail for p in checked_after(house, statement, use=use_id).problems}
    assert says in found[about.format(use_id)]
    assert checked(house).problems == ()


def test_an_object_that_nothing_explains_is_found(engines: EngineAddresses, house: House) -> None:
    """In a bucket of its own: a locked object cannot be taken away again for the other tests."""
    address = StoreAddress(
        engines.s3_endpoint, engines.s3_access_key, engines.s3_secret_key, "certvault-strange", "certvault-in"
    )
    blobs = BlobStore(address)
    blobs.prepare()
    content = b"%PDF- smuggled in"
    name = "smuggled/in"
    blobs.put_document(
        name,
        content,
        retain_until=datetime.now(UTC) + timedelta(days=1),
        origin={},
    )
    report = fsck(replace(house.wired.workshop, blobs=blobs), progress=lambda _: None)
    assert (name, "No row names this object and nothing explains it.") in [
        (p.about, p.detail) for p in report.problems
    ]
