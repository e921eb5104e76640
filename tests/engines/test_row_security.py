"""The second wall: what a transaction does not say it is about, the database neither shows nor changes."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import Connection, connect, errors, sql
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError

from api.settings import PUBLIC_POOL
from migrations.protection import protect_rows
from migrations.run import downgrade, upgrade
from storage.db import Database
from storage.driver import SAY_SCOPE, said
from storage.embedded import EngineAddresses
from storage.exchange import Message
from storage.holders import about, holder_index
from storage.public_read import PublicReader
from storage.reuse import pending_results
from storage.tables import certificates, metadata
from storage.tables.rights import RIGHTS
from storage.tables.row_security import OPEN_TABLES, ROW_RULES
from tests.conftest import House
from tests.custodians import two_custodians
from tests.engines.test_migrations import connection
from tests.flows import granting
from tests.flows.test_deposit import uploaded_pdf
from tests.flows.test_desk import clerk_of
from tests.flows.test_reuse import CONSTRUCTION, ESCROW, LICENCE, new_company, new_person, request_for
from tests.log.conftest import SchemaDatabase
from tests.requests import kind_named, new_case_number
from vault import desk, download, material_archive
from vault.accesses import read_order, record_order
from vault.accesses.counting import count_verifications
from vault.custody import grant_what_is_missing
from vault.deposit import read_case
from vault.deposit.flow import hand_in
from vault.deposit.reserving import ReservedCase, release, reserve
from vault.disputes import read_dispute, submit
from vault.erasing import hold
from vault.erasing import release as release_hold
from vault.errors import NotFound
from vault.lifecycle import StatusChange, change_status, showing
from vault.lifecycle.showing import history_of
from vault.model import access
from vault.model.access import MACHINE
from vault.model.actors import ClientGrant, Person
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.destinations import Destinations, read_networks
from vault.model.history_entry import EVERYBODY
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action
from vault.model.scope import NOBODY, VAULT, Scope, of_client, of_holders, of_shown
from vault.presentations import PresentationRequest, make_presentation
from vault.presentations.making import code_hash
from vault.raising import raise_due
from vault.signin import add_client
from vault.uses import make_use, read_use, redeem
from vault.webhooks import register

pytestmark = pytest.mark.engines

# The revision before row security.
BEFORE: str = import_module("migrations.versions.0014_whose_rows").down_revision
# By which column a row of each table is told to be of one of the two, and which ids those are.
BELONGS = {
    "holders": ("id", "holder"),
    "cases": ("id", "case"),
    "reservations": ("certificate_id", "reservation"),
    "reserved_holders": ("certificate_id", "reservation"),
    "certificates": ("id", "certificate"),
    "certificate_holders": ("certificate_id", "certificate"),
    "documents": ("certificate_id", "certificate"),
    "renditions": ("certificate_id", "certificate"),
    "seal_terms": ("certificate_id", "certificate"),
    "status_events": ("certificate_id", "certificate"),
    "changes": ("certificate_id", "certificate"),
    "materials": ("id", "material"),
    "material_holders": ("material_id", "material"),
    "material_events": ("material_id", "material"),
    "uses": ("id", "use"),
    "use_holders": ("use_id", "use"),
    "use_codes": ("use_id", "use"),
    "use_copies": ("use_id", "use"),
    "use_events": ("use_id", "use"),
    "case_holders": ("case_id", "case"),
    "upload_keys": ("id", "client"),
    "audit_subjects": ("about", "holder"),
    "deferral_orders": ("id", "order"),
    "verification_days": ("certificate_id", "certificate"),
    "verification_batches": ("id", "batch"),
    "disputes": ("id", "dispute"),
    "dispute_events": ("dispute_id", "dispute"),
    "hold_events": ("holder_id", "holder"),
    "consents": ("id", "consent"),
    "consent_events": ("consent_id", "consent"),
    "delegations": ("id", "delegation"),
    "delegation_events": ("delegation_id", "delegation"),
    "presentations": ("id", "presentation"),
    "presentation_events": ("presentation_id", "presentation"),
    "use_footings": ("use_id", "use"),
    "seal_grants": ("id", "grant"),
    "seal_grant_events": ("grant_id", "grant"),
    "seal_uses": ("grant_id", "grant"),
    "seal_events": ("seal_id", "seal"),
    "desks": ("id", "clerk"),
    "import_runs": ("id", "import"),
    "import_chunks": ("run_id", "import"),
    "webhooks": ("id", "webhook"),
    "webhook_secrets": ("webhook_id", "webhook"),
    "webhook_deliveries": ("webhook_id", "webhook"),
}
# What holders grant: theirs, and of those to whom they granted it.
GRANTED = {
    *("consents", "consent_events", "delegations", "delegation_events"),
    *("presentations", "presentation_events"),
}
# What nobody sees but the vault, who looks after seals, or the clerk whose desk it is.
KEPT = {"hold_events", "verification_batches", "seal_events", "seal_terms", "desks"}
# Where one sees more than what is theirs: an order that is not seen keeps nothing back.
SEEN_BY_ALL_HOLDERS = "deferral_orders"
# What somebody sees who is named by one thing only.
SEEN_BY_HOLDER = {
    *(
        "holders",
        "cases",
        "reservations",
        "reserved_holders",
        "certificates",
        "certificate_holders",
        "documents",
        "renditions",
    ),
    *(
        "status_events",
        "materials",
        "material_holders",
        "material_events",
        "uses",
        "use_holders",
        "use_codes",
    ),
    *("use_copies", "use_events"),
    *("audit_subjects", "deferral_orders", "verification_days", "disputes", "dispute_events"),
    *GRANTED,
    "use_footings",
}
SEEN_BY_AUTHORITY = {
    *("certificates", "cases", "reservations", "documents", "status_events", "changes", "renditions"),
    *("certificate_holders", "holders", "verification_days", "disputes", "dispute_events"),
}
SEEN_BY_CUSTODIAN = {"seal_grants", "seal_grant_events", "seal_uses", "seal_events"}


@dataclass(frozen=True, slots=True)
class World:
    """A client with an authority and a company of its own, and a row of theirs in every protected table.

    `bank`: to whom the company consents. `helper`: index of whom it delegates. `code`: a presentation's hash.
    """

    client: ClientGrant
    person: Person
    index: bytes
    record: CertificateRecord
    reserved: ReservedCase
    ids: Mapping[str, list[Any]]
    bank: ClientGrant
    helper: bytes
    code: bytes

    def scopes(self) -> dict[str, Scope]:
        """On whose behalf a transaction about them may be."""
        return {
            "client": of_client(self.client),
            "client with holder": replace(of_client(self.client), holders=frozenset({self.index})),
            "authority": Scope(authorities=self.client.authorities),
            "holder": of_holders(self.index),
            "file": of_shown(bytes.fromhex(self.record.documents[0].sha256)),
            "named": NOBODY.naming(
                *(each for ids in self.ids.values() for each in ids if type(each) is UUID)
            ),
        }


def world(house: House, kind: str) -> World:
    workshop, at = house.wired.workshop, datetime.now(UTC)
    authority = kind_named(house.catalogue, kind).authorities[0].code
    client = ClientGrant(f"walled-{secrets.token_hex(4)}", "Behind a wall", frozenset({authority}))
    add_client(workshop, client.client_id, client.name, client.authorities, at=at)
    grant_what_is_missing(workshop, client.client_id, two_custodians, at=at)
    company = new_company()
    request = request_for(house, kind, company)
    sha256 = uploaded_pdf(house, secrets.token_hex(8), client)
    one = {"type": ESCROW, "name": "监管协议", "sha256": sha256, "trust": "C", "holders": [company]}
    request["materials"] = [one]
    (record,) = hand_in(workshop, client, request, at=at).certificates
    again = request_for(house, kind, company)
    reserved = reserve(workshop, read_case(house.catalogue.in_force, client, again, at=at), at=at)
    assert isinstance(reserved, ReservedCase)
    wanted = {
        "certificate_id": str(record.certificate_id),
        "case_number": new_case_number(),
        "service_item": "990100000117002",
        "purpose": "样例",
        "copy": True,
    }
    made = make_use(workshop, client, read_use(workshop.shelf, client, wanted, at=at), at=at)
    redeem(workshop, client, made.code, at=at)
    here = Destinations(https_only=False, networks=read_networks("127.0.0.0/8"))
    hook = register(workshop, client, client.client_id, "http://127.0.0.1:9/", here, at=at).webhook.webhook_id
    code = HolderCode.parse(company["code_type"], company["code"])
    index = holder_index(workshop.keys, code)
    person = granting.person(house, company)
    lender, helper = granting.bank(house), new_person()
    consent = granting.consented(house, company, lender, kind)
    delegation = granting.delegated(house, company, helper, kind)
    asked = PresentationRequest(record.certificate_id, None, delegation.delegation_id)
    shown = make_presentation(workshop, granting.signed_in(house, helper), asked, at=at)
    wrong = {"certificate_id": str(record.certificate_id), "kind": "wrong_data", "statement": "住所有误"}
    dispute = submit(workshop, person, read_dispute(wrong), at=at).dispute
    order, _ = record_order(workshop, MACHINE, read_order(order_request(company), at=at), by="w0120", at=at)
    batch = uuid4()
    assert count_verifications(workshop, batch, {(record.certificate_id, legal_day(at)): 1}, at=at)
    hold(workshop, code, reason="样例", actor="w0120", at=at)
    release_hold(workshop, code, reason="样例", actor="w0120", at=at)
    raise_first(house, record.certificate_id, at)
    clerk = clerk_of(house, office=authority)
    desk.take_in(workshop, clerk, [new_case_number()], at=at)
    ids = ids_of(
        house,
        authority,
        index,
        {
            "certificate": [record.certificate_id],
            "use": [made.use.use_id],
            "webhook": [hook],
            "client": [client.client_id],
            "dispute": [dispute.dispute_id],
            "order": [order.order_id],
            "batch": [batch],
            "consent": [consent.consent_id],
            "delegation": [delegation.delegation_id],
            "presentation": [shown.presentation.presentation_id],
            "clerk": [clerk.person_id],
        },
    )
    (material,) = ids["material"]
    material_archive.verify(workshop, client, material, clerk="文样窗", note="", at=at)
    helper_index = holder_index(workshop.keys, granting.code_of(helper))
    return World(client, person, index, record, reserved, ids, lender, helper_index, code_hash(shown.code))


def raise_first(house: House, certificate_id: UUID, at: datetime) -> None:
    """Raises a certificate's file before whatever else is due in the suite's vault."""
    with house.owner.writing(VAULT) as db:
        first = "UPDATE seal_terms SET due_at = '2000-01-01' WHERE certificate_id = :id"
        db.execute(text(first), {"id": certificate_id})
    assert raise_due(house.wired.workshop, at=at, files=1).raised == 1


def ids_of(house: House, authority: str, index: bytes, known: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The ids of a world's rows, beyond those that the flows told; with a row in each table that has none."""
    ids = dict(known)
    with house.owner.writing(VAULT) as db:
        grants = text("SELECT id FROM seal_grants WHERE client_id = :client")
        ids["grant"] = list(db.execute(grants, {"client": ids["client"][0]}).scalars())
        seals = text("SELECT id FROM seals WHERE authority = :authority")
        ids["seal"] = list(db.execute(seals, {"authority": authority}).scalars())
        db.execute(
            text(
                "INSERT INTO seal_events (seal_id, action, actor, via, at)"
                " VALUES (:seal, 'import', 'x', 'x', now())"
            ),
            {"seal": ids["seal"][0]},
        )
        cases = text("SELECT id FROM cases WHERE client_id = :client")
        ids["case"] = list(db.execute(cases, {"client": ids["client"][0]}).scalars())
        by_case = {"cases": ids["case"]}
        materials = text("SELECT id FROM materials WHERE case_id = ANY(:cases)")
        ids["material"] = list(db.execute(materials, by_case).scalars())
        reservations = text("SELECT certificate_id FROM reservations WHERE case_id = ANY(:cases)")
        ids["reservation"] = list(db.execute(reservations, by_case).scalars())
        holders = text("SELECT id FROM holders WHERE code_index = :index")
        ids["holder"] = list(db.execute(holders, {"index": index}).scalars())
        footing = text("INSERT INTO use_footings VALUES (:use, '样例法第一条', NULL)")
        db.execute(footing, {"use": ids["use"][0]})
        ids["import"] = [uuid4()]
        of_import = {"id": ids["import"][0], "client": ids["client"][0]}
        db.execute(
            text(
                "INSERT INTO import_runs (id, client_id, mode, digest, name, started_at, seen_at)"
                " VALUES (:id, :client, 'import', 'x', 'x', now(), now())"
            ),
            of_import,
        )
        db.execute(
            text(
                "INSERT INTO import_chunks (run_id, number, rows, states, certificates, reasons, imported,"
                " already_there, rejected, done_at) VALUES (:id, 0, '{}', '', '{}', '{}', 0, 0, 0, now())"
            ),
            of_import,
        )
        db.execute(
            text(
                "INSERT INTO webhook_deliveries (id, webhook_id, after_position, through_position, state,"
                " tries, created_at, next_try_at, settled_at)"
                " VALUES (:id, :hook, 0, 0, 'delivered', 0, now(), now(), now())"
            ),
            {"id": uuid4(), "hook": ids["webhook"][0]},
        )
    return ids


def order_request(company: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kind": "criminal_investigation",
        "number": f"样公刑缓〔2026〕{secrets.token_hex(6)}号",
        "issuing_body": "样例市公安局",
        "legal_basis": "个人信息保护法第三十五条",
        "holder": {name: company[name] for name in ("code_type", "code")},
        "until": (legal_day(datetime.now(UTC)) + timedelta(days=30)).isoformat(),
    }


@pytest.fixture(scope="module")
def worlds(house: House) -> Iterator[tuple[World, World]]:
    both = world(house, LICENCE), world(house, CONSTRUCTION)
    yield both
    for each in both:
        release(house.wired.workshop, each.reserved)


@contextmanager
def serving(house: House, scope: Scope) -> Iterator[Connection[tuple[Any, ...]]]:
    """A bare connection as the service, in a transaction with this scope, rolled back in the end."""
    with connect(house.settings.database_url.get_secret_value()) as db:
        db.execute(SAY_SCOPE, said(scope))
        yield db
        db.rollback()


def seen(db: Connection[tuple[Any, ...]], table: str, whose: World) -> int:
    column, name = BELONGS[table]
    query = sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY (%s)")
    row = db.execute(
        query.format(sql.Identifier(table), sql.Identifier(column)), [whose.ids[name]]
    ).fetchone()
    assert row is not None
    return int(row[0])


# --- declared, and so in the database -----------------------------------------


def test_every_table_is_behind_the_wall_or_says_why_not() -> None:
    assert set(ROW_RULES) | OPEN_TABLES == set(metadata.tables)
    assert not set(ROW_RULES) & OPEN_TABLES
    assert set(BELONGS) == set(ROW_RULES)


def test_the_database_has_the_policies_that_are_declared_and_nobody_is_above_them(house: House) -> None:
    with connection(house.settings.migrating_url) as db:
        assert protect_rows(db) == ()
        secured = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        assert set(db.execute(text(secured)).scalars()) == set(ROW_RULES)
        db.rollback()


def test_a_policy_that_was_changed_or_added_is_put_right(
    house: House, engines: EngineAddresses, worlds: tuple[World, World]
) -> None:
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute("DROP POLICY sees ON certificates")
        db.execute("CREATE POLICY mine ON certificates USING (true)")
        db.execute("ALTER TABLE documents NO FORCE ROW LEVEL SECURITY")
    with serving(house, NOBODY) as db:
        assert all(seen(db, "certificates", each) for each in worlds)
    with connection(house.settings.migrating_url) as db:
        assert set(protect_rows(db)) == {"certificates", "documents"}
        assert protect_rows(db) == ()
    with serving(house, NOBODY) as db:
        assert db.execute("SELECT count(*) FROM certificates").fetchone() == (0,)


# --- what is seen, and what is not --------------------------------------------


@pytest.mark.parametrize("table", sorted(ROW_RULES))
def test_nobody_sees_anything_without_saying_for_whom(
    house: House, worlds: tuple[World, World], table: str
) -> None:
    """What an event says about everybody in one is the vault's own number for them: no secret."""
    with serving(house, NOBODY) as db:
        query = sql.SQL("SELECT count(*) FROM {} r WHERE to_jsonb(r)->>'about' IS DISTINCT FROM {}").format(
            sql.Identifier(table), str(EVERYBODY)
        )
        assert db.execute(query).fetchone() == (0,)
    with connect(house.settings.database_url.get_secret_value()) as db:  # says nothing at all
        assert db.execute(query).fetchone() == (0,)
    with serving(house, VAULT) as db:
        assert all(seen(db, table, each) for each in worlds)


@pytest.mark.parametrize("table", sorted(ROW_RULES))
def test_one_sees_and_changes_what_is_theirs_and_nothing_of_another(
    house: House, worlds: tuple[World, World], table: str
) -> None:
    a, b = worlds
    column, name = BELONGS[table]
    expected = {
        "client": set(ROW_RULES) - KEPT - GRANTED - {"audit_subjects", "deferral_orders"},
        "client with holder": set(ROW_RULES) - KEPT,
        "holder": SEEN_BY_HOLDER,
        "authority": SEEN_BY_AUTHORITY,
        "file": {"documents"},
    }
    for who, scope in a.scopes().items():
        with serving(house, scope) as db:
            if who in expected:
                assert bool(seen(db, table, a)) == (table in expected[who]), who
            if table != SEEN_BY_ALL_HOLDERS or table not in expected.get(who, ()):
                assert seen(db, table, b) == 0, who
            names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
            for changed in RIGHTS[table].columns:
                statement = sql.SQL("UPDATE {table} SET {changed} = {changed} WHERE {column} = ANY (%s)")
                done = db.execute(statement.format(**names, changed=sql.Identifier(changed)), [b.ids[name]])
                assert done.rowcount == 0, who
            if "DELETE" in RIGHTS[table].privileges:
                statement = sql.SQL("DELETE FROM {table} WHERE {column} = ANY (%s)")
                assert db.execute(statement.format(**names), [b.ids[name]]).rowcount == 0, who


@pytest.mark.parametrize(
    ("who", "tables"),
    [
        ("bank", {"consents", "consent_events", "holders"}),
        ("helper", {"delegations", "delegation_events", "holders"}),
        # What was taken back must be seen, or it would still show something.
        ("code", {"presentations", "presentation_events", "delegations", "delegation_events", "holders"}),
    ],
)
def test_what_a_holder_grants_is_seen_by_whom_they_grant_it(
    house: House, worlds: tuple[World, World], who: str, tables: set[str]
) -> None:
    a, b = worlds
    scope = {"bank": of_client(a.bank), "helper": of_holders(a.helper), "code": of_shown(a.code)}[who]
    with serving(house, scope) as db:
        assert {table for table in ROW_RULES if seen(db, table, a)} - {SEEN_BY_ALL_HOLDERS} == tables
        assert not [table for table in ROW_RULES if table != SEEN_BY_ALL_HOLDERS and seen(db, table, b)]


def test_a_delegate_who_acts_sees_what_the_holder_has(house: House, worlds: tuple[World, World]) -> None:
    a, b = worlds
    for each, there in ((a, True), (b, False)):
        with serving(house, of_holders(a.helper).acting_for(a.ids["holder"][0])) as db:
            assert bool(seen(db, "certificates", each)) is there


@pytest.mark.parametrize("table", sorted(ROW_RULES))
def test_whoever_looks_after_seals_sees_nothing_else(
    house: House, worlds: tuple[World, World], table: str
) -> None:
    with serving(house, Scope(person_id=uuid4())) as db:
        for each in worlds:
            assert bool(seen(db, table, each)) == (table in SEEN_BY_CUSTODIAN)


@pytest.mark.parametrize("who", ["client", "client with holder", "authority", "holder", "file"])
def test_nothing_is_hung_on_what_is_anothers(house: House, worlds: tuple[World, World], who: str) -> None:
    a, b = worlds
    one = {name: ids[0] for name, ids in b.ids.items()} | {"mine": a.ids["holder"][0], "new": uuid4()}
    for statement in (
        "INSERT INTO certificate_holders VALUES (%(mine)s, %(certificate)s, 9)",
        "INSERT INTO material_holders VALUES (%(mine)s, %(material)s, 9)",
        "INSERT INTO use_holders VALUES (%(mine)s, %(use)s)",
        "INSERT INTO documents VALUES (%(certificate)s, 'ofd', 'x', 'x', 1, 'B-B', 'x', 'x')",
        """INSERT INTO status_events (certificate_id, action, status, actor, at)
        VALUES (%(certificate)s, 'revoke', 'revoked', 'x', now())""",
        """INSERT INTO material_events (material_id, action, trust, actor, at, data_key, sealed)
        VALUES (%(material)s, 'verify', 'B', 'x', now(), 'x', 'x')""",
        "INSERT INTO use_events (use_id, action, actor, at) VALUES (%(use)s, 'revoke', 'x', now())",
        "INSERT INTO use_codes VALUES ('x', %(use)s, now(), now())",
        "INSERT INTO reservations VALUES (%(new)s, %(case)s, 9, 'x', 'x', 1)",
        "INSERT INTO webhook_secrets VALUES (%(new)s, %(webhook)s, 'x', 'x', now())",
        "INSERT INTO case_holders VALUES (%(mine)s, %(case)s)",
        """INSERT INTO import_runs (id, client_id, mode, digest, name, started_at, seen_at)
        VALUES (%(new)s, %(client)s, 'import', 'y', 'x', now(), now())""",
        """INSERT INTO import_chunks VALUES (%(import)s, 1, '{}', '', '{}', '{}', 0, 0, 0, now())""",
        "INSERT INTO upload_keys VALUES (%(client)s, 'x')",
        "INSERT INTO audit_subjects VALUES (%(mine)s, 1)",
        """INSERT INTO hold_events (holder_id, action, actor, at, sealed)
        VALUES (%(mine)s, 'hold', 'x', now(), 'x')""",
        "INSERT INTO verification_days VALUES (%(certificate)s, now(), 1, 1)",
        """INSERT INTO disputes (id, holder_id, certificate_id, audience, kind, state, request_index,
        index_version, sealed, opened_at, due_on)
        VALUES (%(new)s, %(holder)s, %(certificate)s, 'x', 'x', 'submitted', 'x', 1, 'x', now(), now())""",
        """INSERT INTO dispute_events (dispute_id, state, actor, at)
        VALUES (%(dispute)s, 'rejected', 'x', now())""",
        """INSERT INTO seal_grant_events (grant_id, action, actor, via, at)
        VALUES (%(grant)s, 'end', 'x', 'x', now())""",
        "INSERT INTO consent_events (consent_id, action, actor, at) VALUES (%(consent)s, 'use', 'x', now())",
        """INSERT INTO consents (id, holder_id, organisation, types, valid_from, valid_to, uses_max,
        uses_left, made_at) VALUES (%(new)s, %(holder)s, 'x', '{}', now(), now(), 1, 1, now())""",
        """INSERT INTO delegation_events (delegation_id, action, actor, details, at)
        VALUES (%(delegation)s, 'revoke', 'x', '{}', now())""",
        """INSERT INTO presentation_events (presentation_id, action, actor, at)
        VALUES (%(presentation)s, 'redeem', 'x', now())""",
        "INSERT INTO use_footings VALUES (%(use)s, 'x', NULL)",
        "INSERT INTO seal_uses VALUES (%(grant)s, now(), 99, 1, 0)",
        "INSERT INTO desks VALUES (%(clerk)s, 'x', 'x', now())",
    ):
        with (
            serving(house, a.scopes()[who]) as db,
            pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
        ):
            db.execute(statement.encode(), one)


def test_whoever_is_shown_a_certificate_by_name_cannot_write_it(
    house: House, worlds: tuple[World, World]
) -> None:
    """To use somebody's certificate its row is locked; that must not let it be changed."""
    a, b = worlds
    scope = of_client(a.client).naming(b.record.certificate_id)
    with serving(house, scope) as db:
        lock = "SELECT status FROM certificates WHERE id = %s FOR NO KEY UPDATE"
        assert db.execute(lock, [b.record.certificate_id]).fetchone() == ("valid",)
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            db.execute("UPDATE certificates SET status = 'revoked' WHERE id = %s", [b.record.certificate_id])


def test_what_somebody_applied_for_is_pending_for_its_holder_whoever_asks(
    house: House, worlds: tuple[World, World]
) -> None:
    """Whether a reservation names holders must be seen by who asks about its applicant only."""
    (a, b), workshop, at = worlds, house.wired.workshop, datetime.now(UTC)
    holder, applicant = new_company(), new_company()
    request = request_for(house, LICENCE, holder)
    request["case"]["applicant"] = applicant
    begun = reserve(workshop, read_case(house.catalogue.in_force, a.client, request, at=at), at=at)
    assert isinstance(begun, ReservedCase)
    try:
        for who, pending in ((holder, 1), (applicant, 0)):
            code = HolderCode.parse(who["code_type"], who["code"])
            index = holder_index(workshop.keys, code)
            for client in (a.client, b.client):
                with workshop.database.reading(about(of_client(client), workshop.keys, code)) as db:
                    assert len(pending_results(db, workshop.keys, [index])) == pending
    finally:
        release(workshop, begun)


def test_what_is_said_is_a_value_and_no_sql(house: House, worlds: tuple[World, World]) -> None:
    (b,) = worlds[1].client.authorities
    for odd in (
        f'x","{b}',
        f"x,{b}",
        f"{{{b}}}",
        "'; SET certvault.vault = 'on'; --",
        "on",
        "\\",
        "NULL",
        "",
    ):
        for scope in (Scope(authorities=frozenset({odd})), Scope(client_id=odd)):
            with serving(house, scope) as db:
                assert db.execute("SELECT count(*) FROM certificates").fetchone() == (0,), odd


# --- a bug in a flow ------------------------------------------------------------


def test_a_decision_that_permits_everything_still_shows_nothing_of_another(
    house: House, worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = worlds
    workshop, at = house.wired.workshop, datetime.now(UTC)
    theirs = b.record.certificate_id
    change = StatusChange(Action.SUSPEND, "依法暂扣", legal_day(at))
    for module in (download, showing):
        monkeypatch.setattr(module, "refusal", lambda *_: None)
    monkeypatch.setattr(access, "authorize", lambda *_: None)
    for attempt in (
        lambda: download.document_for_client(workshop, a.client, theirs, DocumentFormat.PDF, at=at),
        lambda: download.document_for_holder(workshop, a.person, theirs, DocumentFormat.PDF, at=at),
        lambda: history_of(workshop, a.client, theirs, at=at),
        lambda: change_status(workshop, a.client, theirs, change, at=at),
    ):
        with pytest.raises(NotFound, match="no such certificate"):
            attempt()
    mine = a.record.certificate_id
    assert download.document_for_client(workshop, a.client, mine, DocumentFormat.PDF, at=at).content


# --- what is left behind --------------------------------------------------------


@pytest.fixture
def lone(house: House) -> Iterator[Database]:
    """A pool of one connection: who comes next gets what the one before has left."""
    database = Database(house.settings.database_url.get_secret_value(), pool_size=1)
    yield database
    database.close()


def test_the_next_user_of_a_connection_begins_with_nothing(
    worlds: tuple[World, World], lone: Database
) -> None:
    everything = select(certificates.c.id)
    ours = {each.record.certificate_id for each in worlds}

    def left() -> list[UUID]:
        with lone.reading(NOBODY) as db:
            said_before = "SELECT count(*) FROM pg_settings WHERE name LIKE 'certvault.%' AND setting <> ''"
            assert db.execute(text(said_before)).scalar_one() == 0
            return list(db.execute(everything).scalars())

    assert left() == []
    for take in (lone.reading, lone.writing, lone.snapshot, lone.noting):
        with take(VAULT) as db:
            assert ours <= set(db.execute(everything).scalars())
        assert left() == []
        with suppress(ProgrammingError), take(VAULT) as db:
            db.execute(text("SELECT nothing"))
        assert left() == []
        with suppress(ZeroDivisionError), take(of_client(worlds[0].client)) as db:
            seen_now = set(db.execute(everything).scalars())
            assert seen_now & ours == {worlds[0].record.certificate_id}
            raise ZeroDivisionError
        assert left() == []
        with take(NOBODY) as db:
            assert db.execute(everything).all() == []


def test_public_verification_shows_one_and_leaves_nothing(house: House, worlds: tuple[World, World]) -> None:
    keys = house.wired.workshop.keys

    async def read() -> list[Any]:
        reader = PublicReader(house.settings.database_url.get_secret_value(), keys, pool_size=1)
        await reader.open()
        try:
            found = [(await reader.by_token(each.record.token)).row for each in worlds]
            first = worlds[0].record
            assert (await reader.by_number_and_code(first.number, first.verification_code)).hit
            strange = await reader.by_number_and_code(first.number, worlds[1].record.verification_code)
            assert not strange.hit
            everything = Message("SELECT count(*) FROM certificates")
            assert await reader._lanes.ask(everything) == [(0,)]  # noqa: SLF001 - the one connection that there is
            return found
        finally:
            await reader.close()

    assert PUBLIC_POOL > 1
    found = asyncio.run(read())
    assert [each.certificate_id for each in found] == [each.record.certificate_id for each in worlds]
    assert all(each.documents for each in found)


# --- indexes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT sealed FROM certificates WHERE number_index = 'x'", "ix_certificates_number_index"),
        ("SELECT id FROM holders WHERE code_index = ANY (ARRAY['x'::bytea])", "uq_holders_code_index"),
        (
            """SELECT c.id FROM certificates c JOIN certificate_holders h ON h.certificate_id = c.id
            WHERE h.holder_id = ANY (ARRAY['019a0000-0000-7000-8000-000000000000'::uuid])""",
            "pk_certificate_holders",
        ),
        ("SELECT 1 FROM cases WHERE client_id = 'x' AND number = 'x'", "uq_cases_client_id_number"),
        ("SELECT 1 FROM reserved_holders WHERE code_index = 'x'", "ix_reserved_holders_code_index"),
        ("SELECT 1 FROM documents WHERE sha256 = 'x'", "ix_documents_sha256"),
        ("SELECT 1 FROM uses WHERE request_index = 'x'", "ix_uses_request_index"),
        ("SELECT 1 FROM use_codes WHERE code_hash = 'x'", "pk_use_codes"),
        (
            """SELECT 1 FROM changes WHERE position IS NOT NULL AND (audience, position) > ('x', 1)
            ORDER BY audience, position LIMIT 9""",
            "ix_changes_audience_position",
        ),
        (
            """SELECT 1 FROM audit_subjects WHERE about = '019a0000-0000-7000-8000-000000000000'
            AND event_id < 9000000000 ORDER BY event_id DESC LIMIT 9""",
            "pk_audit_subjects",
        ),
        (
            """SELECT min(accepted_at) FROM disputes WHERE state = 'accepted' AND certificate_id IS NOT NULL
            AND certificate_id = '019a0000-0000-7000-8000-000000000000'""",
            "ix_disputes_standing",
        ),
        (
            "SELECT 1 FROM disputes WHERE audience = ANY (ARRAY['x', 'y']) ORDER BY id LIMIT 9",
            "ix_disputes_audience_id",
        ),
        ("SELECT 1 FROM deferral_orders WHERE number_index = 'x'", "uq_deferral_orders_number_index"),
        (
            "SELECT 1 FROM seal_grants WHERE seal_id = 'x' AND client_id = 'x' AND type_code = 'x'",
            "ix_seal_grants_seal_id_client_id_type_code",
        ),
        (
            """SELECT id FROM certificates WHERE id > '019a0000-0000-7000-8000-000000000000'
            ORDER BY id LIMIT 9""",
            "pk_certificates",
        ),
    ],
)
def test_a_policy_keeps_no_index_from_use(
    house: House, worlds: tuple[World, World], query: str, index: str
) -> None:
    """Conditions of ours are leak-proof: they may go below a policy."""
    client = replace(of_client(worlds[0].client), holders=frozenset({worlds[0].index}))
    for scope in (VAULT, client):
        with serving(house, scope) as db:
            db.execute("SET LOCAL enable_seqscan = off")
            plan = "\n".join(str(row[0]) for row in db.execute(f"EXPLAIN {query}".encode()))
        assert index in plan
        assert "Index Cond" in plan


# --- up and down on live tables -------------------------------------------------


def test_the_wall_goes_up_and_down_around_live_rows(engines: EngineAddresses) -> None:
    name = f"walled_{secrets.token_hex(4)}"
    owner_url = f"{engines.owner_database_url}?options=-csearch_path%3D{name}"
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    service = SchemaDatabase(engines.database_url, name)
    query = "SELECT count(*) FROM holders"
    try:
        upgrade(owner_url, BEFORE, service_url=engines.database_url)
        with connect(owner_url, autocommit=True) as db, connect(engines.database_url, autocommit=True) as old:
            db.execute("INSERT INTO holders VALUES (gen_random_uuid(), '001', 'x', 1, 'x', 'x')")
            old.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(name)))
            for _ in range(2):  # a connection of the release before stays open all the while
                assert old.execute(query).fetchone() == (1,)
                upgrade(owner_url, service_url=engines.database_url)
                assert old.execute(query).fetchone() == (0,)
                assert db.execute(query).fetchone() == (1,)
                with service.reading(of_holders(b"x")) as ours:
                    assert ours.execute(text(query)).scalar_one() == 1
                with service.reading(of_holders(b"y")) as ours:
                    assert ours.execute(text(query)).scalar_one() == 0
                with service.writing(VAULT) as ours, pytest.raises(ProgrammingError, match="denied"):
                    ours.execute(update(metadata.tables["holders"]).values(code_type="002"))
                assert downgrade(owner_url, BEFORE) == BEFORE
    finally:
        service.close()
        with connect(engines.owner_database_url, autocommit=True) as db:
            db.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
