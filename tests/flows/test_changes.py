"""The feed of changes: all of it, in order, without gaps, whoever commits when."""

import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from storage.db import WriteConnection
from storage.tables import changes
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.flows.test_reuse import ESCROW, new_company, with_material
from tests.requests import example_request
from tests.trials import now
from vault.changes import PAGE_MAX, ChangePage, change_json, changes_after, place_changes
from vault.errors import InputError, UnknownCursor
from vault.lifecycle import Inspection, StatusChange, change_status, changing, record_inspection
from vault.lookup import holdings
from vault.material_archive import verify
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.changes import CertificateChange, Change, MaterialChange
from vault.model.holders import HolderCode
from vault.model.lifecycle import Action, InspectionResult

pytestmark = pytest.mark.engines

TODAY = date(2026, 11, 1)
STRANGER = ClientGrant("stranger", "Nobody's system", frozenset({"91350100M000100Y43"}))
# What a reader has seen: certificate or material, action, time.
Seen = tuple[UUID, str, datetime]


def read(house: House, after: str, limit: int = PAGE_MAX, client: ClientGrant | None = None) -> ChangePage:
    who = client or house.client
    return changes_after(house.wired.workshop, after, limit, who)


def read_on(house: House, after: str, limit: int = PAGE_MAX, client: ClientGrant | None = None) -> ChangePage:
    """Everything from a cursor to the head of the feed."""
    found: list[Change] = []
    while True:
        page = read(house, after, limit, client)
        found += page.changes
        after = page.cursor
        if not page.more:
            return ChangePage(tuple(found), after, more=False)


def head(house: House) -> str:
    return read_on(house, "").cursor


def seen(page: ChangePage) -> list[Seen]:
    return [
        (c.certificate_id if isinstance(c, CertificateChange) else c.material_id, c.action, c.at)
        for c in page.changes
    ]


def new_certificate(house: House, **more: object) -> CertificateRecord:
    request = example_request(house.catalogue)
    request["results"][0].update(more)
    return deposited(house, request).certificates[0]


def inspected(house: House, certificate: CertificateRecord, remark: str) -> datetime:
    at = now()
    inspection = Inspection(InspectionResult.PASSED, TODAY, remark)
    record_inspection(house.wired.workshop, house.client, certificate.certificate_id, inspection, at=at)
    return at


def test_what_happens_is_told_in_order_and_nothing_of_whom(house: House) -> None:
    after = head(house)
    old = new_certificate(house)
    change = StatusChange(Action.SUSPEND, "样例", TODAY)
    change_status(house.wired.workshop, house.client, old.certificate_id, change, at=now())
    inspected(house, old, "年检")
    new = new_certificate(house, supersedes=str(old.certificate_id))
    page = read_on(house, after)
    told = [(c.certificate_id, c.action, c.status) for c in page.changes if isinstance(c, CertificateChange)]
    assert told == [
        (old.certificate_id, "issue", "valid"),
        (old.certificate_id, "suspend", "suspended"),
        (old.certificate_id, "inspect", "suspended"),
        (new.certificate_id, "issue", "valid"),
        (old.certificate_id, "supersede", "superseded"),
    ]
    positions = [change.position for change in page.changes]
    assert positions == list(range(positions[0], positions[0] + 5))
    text_of_all = str([change_json(change) for change in page.changes])
    for holder in (*old.holders, *new.holders):
        assert holder.code.value not in text_of_all
        assert holder.name not in text_of_all
    assert old.identifier in text_of_all


def test_materials_are_told_to_who_handed_them_in(house: House) -> None:
    after = head(house)
    company = new_company()
    with_material(house, company, ESCROW, "C", issued_on="2026-10-26")
    workshop, code = (
        house.wired.workshop,
        HolderCode.parse(company["code_type"], company["code"], today=TODAY),
    )
    held = holdings(
        workshop, house.client, code, purpose="test", service_item=None, case_number=None, at=now()
    )
    (material,) = held.materials
    verify(workshop, house.client, material.material_id, clerk="文样窗", note="", at=now())
    told = [c for c in read_on(house, after).changes if isinstance(c, MaterialChange)]
    assert [(c.material_id, c.action, c.trust) for c in told] == [
        (material.material_id, "archive", "C"),
        (material.material_id, "verify", "B"),
    ]
    same_authorities = ClientGrant("another", "Another system", house.client.authorities)
    assert read_on(house, after, client=same_authorities).changes == ()


def test_nobody_sees_other_authorities(house: House) -> None:
    certificate = new_certificate(house)
    assert read_on(house, "", client=STRANGER).changes == ()
    only = ClientGrant("one", "One authority's", frozenset({certificate.issuing_authority}))
    found = read_on(house, "", client=only).changes
    assert certificate.certificate_id in {
        change.certificate_id for change in found if isinstance(change, CertificateChange)
    }
    assert {c.authority for c in found if isinstance(c, CertificateChange)} == {certificate.issuing_authority}


def test_a_client_reads_of_the_types_that_it_is_bound_to(house: House) -> None:
    """And reads on past those of others: the cursor moves though the page is short."""
    after, certificate = head(house), new_certificate(house)
    other = frozenset({"11100000MB0000000X001"})
    bound = ClientGrant("bound", "Bound", house.client.authorities, other)
    page = read(house, after, client=bound)
    assert page.changes == ()
    assert page.cursor == read(house, after).cursor != after
    own = replace(bound, types=frozenset({certificate.type_code}))
    assert [c.type_code for c in read_on(house, after, client=own).changes] == [certificate.type_code]


def test_pages_of_any_size_are_the_same_feed_for_ever(house: House) -> None:
    for _ in range(3):
        new_certificate(house)
    whole = read_on(house, "")
    assert read_on(house, "0").changes == whole.changes
    assert read_on(house, "", limit=7).changes == whole.changes
    middle = len(whole.changes) // 2
    cursor = change_json(whole.changes[middle - 1])["cursor"]
    assert read_on(house, cursor).changes == whole.changes[middle:]
    last = read(house, whole.cursor)
    assert (last.changes, last.cursor, last.more) == ((), whole.cursor, False)
    nothing = read(house, "", client=STRANGER)
    assert (nothing.cursor, nothing.more) == ("0", False)


@pytest.mark.parametrize(
    "cursor", ["x", "-1.00000000", "1", "1.0000000", "1.0000000G", "0.00000000", "9" * 99]
)
def test_what_is_no_cursor_is_named_at_its_place(house: House, cursor: str) -> None:
    with pytest.raises(InputError) as caught:
        read(house, cursor)
    assert [p.pointer for p in caught.value.problems] == ["/after"]


@pytest.mark.parametrize("limit", [0, -1, PAGE_MAX + 1])
def test_a_limit_has_its_bounds(house: House, limit: int) -> None:
    with pytest.raises(InputError) as caught:
        read(house, "", limit)
    assert [p.pointer for p in caught.value.problems] == ["/limit"]


def test_a_cursor_ahead_of_the_feed_or_of_another_vault_is_told_apart(house: House) -> None:
    new_certificate(house)
    cursor = head(house)
    position, check = cursor.split(".")
    with pytest.raises(UnknownCursor, match=rf"ahead of the feed, which ends at {position}\."):
        read(house, f"{int(position) + 1}.{check}")
    with pytest.raises(UnknownCursor, match="Another change stands"):
        read(house, f"{position}.{'0' * 8}")


# --- no gaps ------------------------------------------------------------------------------------------


Reader = Callable[[House, str], tuple[list[Seen], str]]


def by_the_feed(house: House, after: str) -> tuple[list[Seen], str]:
    page = read_on(house, after)
    return seen(page), page.cursor


def by_id(house: House, after: str) -> tuple[list[Seen], str]:
    """What everybody writes first: rows after the last id, in the order of ids."""
    query = select(changes).where(changes.c.id > int(after)).order_by(changes.c.id)
    with house.wired.workshop.database.reading() as db:
        rows = db.execute(query).all()
    return [(r.certificate_id, r.action, r.at) for r in rows], str(rows[-1].id) if rows else after


def newest_id(house: House) -> str:
    with house.wired.workshop.database.reading() as db:
        return str(db.execute(text("SELECT max(id) FROM changes")).scalar_one())


@contextmanager
def paused_before_its_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Future[datetime]]:
    """An inspection, everything written and nothing committed, until the block ends."""
    certificate = new_certificate(house)
    written, go_on = Event(), Event()
    real: Callable[..., None] = vars(changing)["insert_look"]

    def insert_then_wait(*arguments: Any) -> None:  # noqa: ANN401 - passed on
        real(*arguments)
        written.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        patch.setattr(changing, "insert_look", insert_then_wait)
        slow = pool.submit(inspected, house, certificate, "slow")
        assert written.wait(60)
        patch.undo()
        try:
            yield slow
        finally:
            go_on.set()


def out_of_order(
    house: House, monkeypatch: pytest.MonkeyPatch, reader: Reader, after: str
) -> tuple[list[Seen], datetime, datetime]:
    """A writes, B writes and commits, somebody reads, A commits, they read on: all that they saw."""
    other = new_certificate(house)
    with paused_before_its_commit(house, monkeypatch) as slow:
        quick = inspected(house, other, "quick")
        first, cursor = reader(house, after)
        assert quick in {at for _, _, at in first}
    second, _ = reader(house, cursor)
    return first + second, slow.result(), quick


def test_who_commits_late_is_not_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    found, slow, quick = out_of_order(house, monkeypatch, by_the_feed, head(house))
    inspections = [at for _, action, at in found if action == Action.INSPECT]
    assert inspections == [quick, slow]
    assert len(found) == len(set(found))


def test_reading_by_id_would_lose_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: this is what it finds of the obvious way."""
    found, slow, quick = out_of_order(house, monkeypatch, by_id, newest_id(house))
    inspections = [at for _, action, at in found if action == Action.INSPECT]
    assert inspections == [quick]
    assert slow not in inspections


def test_an_open_transaction_holds_up_neither_reader_nor_writer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = head(house)
    with paused_before_its_commit(house, monkeypatch):
        certificate = new_certificate(house)
        assert certificate.certificate_id in {subject for subject, _, _ in seen(read_on(house, after))}


def test_deposits_do_not_wait_for_who_gives_out_places(house: House) -> None:
    after = head(house)
    with house.wired.workshop.database.writing() as db:
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x63686E67})
        certificate = new_certificate(house)
    assert certificate.certificate_id in {subject for subject, _, _ in seen(read_on(house, after))}


WRITERS, WRITES, READERS = 6, 12, 3


def test_many_writers_and_readers_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions of random length overlap; every reader sees every change once, all in the same order."""
    real: Callable[..., None] = vars(changing)["insert_look"]

    def insert_then_linger(db: WriteConnection, *arguments: Any) -> None:  # noqa: ANN401 - passed on
        real(db, *arguments)
        db.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": random.random() * 0.03})  # noqa: S311 - dice

    certificates = [new_certificate(house) for _ in range(WRITERS)]
    after, start_id = head(house), newest_id(house)
    done = Event()

    def write(certificate: CertificateRecord) -> list[Seen]:
        ats = [inspected(house, certificate, f"{n}") for n in range(WRITES)]
        return [(certificate.certificate_id, "inspect", at) for at in ats]

    def follow(_: int) -> list[Seen]:
        found, cursor, last_round = [], after, False
        while True:
            page = read(house, cursor, limit=5)
            found += seen(page)
            cursor = page.cursor
            if not page.more:
                if last_round:
                    return found
                last_round = done.is_set()

    monkeypatch.setattr(changing, "insert_look", insert_then_linger)
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        readers = [pool.submit(follow, n) for n in range(READERS)]
        written = [pool.submit(write, certificate) for certificate in certificates]
        expected = [each for future in written for each in future.result()]
        done.set()
        followed = [reader.result() for reader in readers]
    assert sorted(followed[0]) == sorted(expected)
    assert followed[1:] == followed[:1] * (READERS - 1)
    assert [each for each in followed[0] if each[0] == certificates[0].certificate_id] == expected[:WRITES]
    in_order_of_ids, _ = by_id(house, start_id)
    assert followed[0] != in_order_of_ids, "no two transactions overlapped: nothing was tried"


def test_places_are_given_once_by_whoever_comes_first(house: House) -> None:
    new_certificate(house)
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda _: place_changes(house.wired.workshop.database), range(4)))
    assert sorted(given) == [0, 0, 0, 1]
    with house.wired.workshop.database.reading() as db:
        count, last = db.execute(text("SELECT count(*), max(position) FROM changes")).one()
    assert count == last, "places are dense"


@pytest.mark.parametrize(
    "rewrite",
    [
        "DELETE FROM changes",
        "TRUNCATE changes",
        "UPDATE changes SET position = NULL",
        "UPDATE changes SET audience = 'x'",
    ],
)
def test_the_feed_cannot_be_rewritten(house: House, rewrite: str) -> None:
    new_certificate(house)
    head(house)
    with (
        pytest.raises(Exception, match=re.compile("insert-only")),
        house.wired.workshop.database.writing() as db,
    ):
        db.execute(text(rewrite))


def test_times_are_those_of_the_certificates_own_history(house: House) -> None:
    after = head(house)
    certificate = new_certificate(house)
    (change,) = read_on(house, after).changes
    assert isinstance(change, CertificateChange)
    assert change.at == certificate.committed_at.astimezone(UTC)
    assert change.effective_on == certificate.issued_on
    assert (change.identifier, change.version, change.type_code, change.authority) == (
        certificate.identifier,
        certificate.version,
        certificate.type_code,
        certificate.issuing_authority,
    )
