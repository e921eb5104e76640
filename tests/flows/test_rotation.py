"""Rotation of index and wrapping keys: nothing is missed, nobody becomes two, nothing old is left."""

import copy
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import anyio
import pytest
from sqlalchemy import func, select

from api.wiring import reader_of, wire
from storage.db import Database
from storage.embedded import EngineAddresses
from storage.envelope import KeyRing, Suite
from storage.holders import find_holder
from storage.key_state import activate, active_versions
from storage.tables import audit_events, certificates, holders, key_state
from tests.conftest import House
from tests.files import filed, reasons_of, sealed_bytes
from tests.flows.test_deposit import deposited, uploaded_pdf
from tests.generators import make_credit_code
from tests.requests import example_request
from tests.vaults import own_vault
from vault.errors import Conflict, Unavailable
from vault.fsck import fsck
from vault.lookup import by_number, holdings, of_case
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.verdict import Genuine, Unrecognised
from vault.rotating import KeyUse, outdated_rows, prepare, retire, ring_entries, rotate
from vault.verify import by_code, by_file, by_token

pytestmark = pytest.mark.engines

_names = count(1)


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    with own_vault(engines, tmp_path, f"rotation_{next(_names)}") as house:
        yield house


class CutOffError(Exception):
    """Stands for whatever ends a rotation in the middle."""


def now() -> datetime:
    return datetime.now(UTC)


def rotated(house: House, suite: Suite = Suite.AES) -> None:
    rotate(house.wired.workshop, suite, at=now(), wait=lambda _: None, progress=lambda _, __: None)


def company(number: int) -> dict[str, str]:
    code = make_credit_code(body=f"M{number:06d}Y"[:8])
    return {"code_type": "001", "code": code, "name": f"样例轮换{number}有限公司"}


def request_of(house: House, holder: dict[str, str]) -> dict[str, Any]:
    request = example_request(house.catalogue)
    request["case"]["applicant"] = copy.deepcopy(holder)
    request["results"][0]["holders"] = [copy.deepcopy(holder)]
    request["results"][0]["number"] = f"号{request['case']['number']}"
    return request


def with_material(house: House, request: dict[str, Any]) -> dict[str, Any]:
    request["materials"] = [
        {
            "type": "CL9999",
            "name": "营业执照副本",
            "sha256": uploaded_pdf(house, request["case"]["number"]),
            "trust": "B",
            "holders": request["results"][0]["holders"],
        }
    ]
    return request


def out_of_log(certificate: CertificateRecord) -> CertificateRecord:
    """The record without its place in the log, which it gets when the sequencer runs."""
    return replace(certificate, log_index=None, log_origin=None)


def assert_found_everywhere(house: House, certificate: CertificateRecord) -> None:
    """By holder, number, case, token, number and code, and file."""
    workshop, holder = house.wired.workshop, certificate.holders[0]
    found = holdings(
        workshop, house.client, holder.code, purpose="x", service_item=None, case_number=None, at=now()
    )
    certificate = out_of_log(certificate)
    assert certificate in map(out_of_log, found.certificates)
    with_number = by_number(workshop, house.client, certificate.number, purpose="x", at=now())
    assert certificate in map(out_of_log, with_number)
    in_case = of_case(workshop, house.client, certificate.case_number, at=now())
    assert certificate in map(out_of_log, in_case)
    reader = reader_of(house.settings, workshop.keys)

    async def publicly() -> None:
        await reader.open()
        try:
            for report in (
                await by_token(reader, certificate.token, at=now()),
                await by_code(reader, certificate.number, certificate.verification_code, at=now()),
            ):
                assert isinstance(report.verdict, Genuine)
        finally:
            await reader.close()

    anyio.run(publicly)
    report = by_file(workshop, sealed_bytes(house, certificate), at=now())
    assert isinstance(report.verdict, Genuine)


def holder_rows(house: House) -> int:
    with house.wired.workshop.database.reading() as db:
        return int(db.execute(select(func.count()).select_from(holders)).scalar_one())


def ring_without(house: House, version: int) -> KeyRing:
    """What a process has whose file lacks a version, and will lack it."""
    held = house.wired.workshop.keys.keys
    return KeyRing(
        replace(
            held,
            index={v: key for v, key in held.index.items() if v != version},
            wrapping={v: key for v, key in held.wrapping.items() if v != version},
        )
    )


def test_a_rotation_renews_everything_and_the_old_keys_can_go(own: House) -> None:
    workshop = own.wired.workshop
    made = [deposited(own, with_material(own, request_of(own, company(n)))).certificates[0] for n in range(3)]
    assert_found_everywhere(own, made[0])
    rotated(own)
    assert set(outdated_rows(workshop).values()) == {0}
    assert [(e.kind, e.version, e.use) for e in ring_entries(workshop)] == [
        ("index", 1, KeyUse.UNUSED),
        ("index", 2, KeyUse.ACTIVE),
        ("wrapping", 1, KeyUse.UNUSED),
        ("wrapping", 2, KeyUse.ACTIVE),
    ]
    assert [(e.kind, e.version) for e in retire(workshop)] == [("index", 1), ("wrapping", 1)]
    # Another process, with nothing but the new keys.
    fresh = wire(own.settings).workshop
    try:
        wired = replace(
            own.wired, workshop=replace(fresh, blobs=workshop.blobs, log_store=workshop.log_store)
        )
        for certificate in made:
            assert_found_everywhere(replace(own, wired=wired), certificate)
        assert fsck(wired.workshop, progress=lambda _: None).problems == ()
        again = deposited(replace(own, wired=wired), request_of(own, company(0)))
        assert again.repeated is False
    finally:
        fresh.database.close()
    assert holder_rows(own) == 3


@contextmanager
def cut_off_in_the_middle(house: House) -> Iterator[None]:
    """A rotation that got as far as the first table and was ended there."""

    def cut(done: int, _: int) -> None:
        if done:
            raise CutOffError

    with pytest.raises(CutOffError):
        rotate(house.wired.workshop, Suite.AES, at=now(), wait=lambda _: None, progress=cut)
    yield
    rotated(house)


def test_during_a_rotation_both_versions_are_found_and_nobody_becomes_two(own: House) -> None:
    workshop = own.wired.workshop
    first, second = (deposited(own, request_of(own, company(n))).certificates[0] for n in range(2))
    with cut_off_in_the_middle(own):
        left = outdated_rows(workshop)
        assert (left["holders"], left["certificates"]) == (
            0,
            2,
        )  # holders are of version 2, certificates of 1
        assert {e.use for e in ring_entries(workshop)} == {KeyUse.ACTIVE, KeyUse.IN_USE}
        for certificate in (first, second):
            assert_found_everywhere(own, certificate)
        between = deposited(own, request_of(own, company(0))).certificates[0]
        new = deposited(own, request_of(own, company(2))).certificates[0]
        assert holder_rows(own) == 3
        for certificate in (between, new):
            assert_found_everywhere(own, certificate)
        with pytest.raises(Conflict, match="not finished"):
            retire(workshop)
        with pytest.raises(Conflict, match="not finished"):
            prepare(workshop, Suite.AES)
    for certificate in (first, second, between, new):
        assert_found_everywhere(own, certificate)
    assert workshop.keys.index_versions == [1, 2]  # it went on with version 2 and made no third
    assert set(outdated_rows(workshop).values()) == {0}


def test_a_holder_whom_the_rotation_has_not_come_to_is_not_made_again(own: House) -> None:
    """The version is active, and not one row is renewed yet: the hardest moment for a deposit."""
    deposited(own, request_of(own, company(0)))
    workshop = own.wired.workshop

    prepare(workshop, Suite.AES)
    with own.wired.workshop.database.writing() as db:
        activate(db, 2, 2, now())
    assert outdated_rows(workshop)["holders"] == 1
    (again,) = deposited(own, request_of(own, company(0))).certificates
    assert holder_rows(own) == 1
    assert_found_everywhere(own, again)
    rotated(own)
    assert holder_rows(own) == 1
    assert_found_everywhere(own, again)


def test_two_rotations_at_once_are_refused(own: House) -> None:
    entered, leave = Event(), Event()

    def wait(_: float) -> None:
        entered.set()
        assert leave.wait(60)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(
            rotate, own.wired.workshop, Suite.AES, at=now(), wait=wait, progress=lambda _, __: None
        )
        assert entered.wait(60)
        for other in (lambda: rotated(own), lambda: retire(own.wired.workshop)):
            with pytest.raises(Conflict, match="under way"):
                other()
        leave.set()
        assert first.result().index_version == 2


def test_under_load_nothing_is_missed_and_nobody_becomes_two(own: House) -> None:
    companies = [company(n) for n in range(4)]
    for who in companies:
        deposited(own, request_of(own, who))
    stop = Event()
    workshop = own.wired.workshop

    def deposits(mine: int) -> list[CertificateRecord]:
        made: list[CertificateRecord] = []
        while not stop.is_set():
            # Known ones, and a new one each time, whom another thread brings, too.
            for who in (companies[mine], company(100 + len(made) % 5)):
                made += deposited(own, request_of(own, who)).certificates
        return made

    def looks() -> int:
        done = 0
        while not stop.is_set():
            for who in companies:
                code = HolderCode.parse(who["code_type"], who["code"])
                with workshop.database.reading() as db:
                    assert find_holder(db, workshop.keys, code) is not None
                done += 1
        return done

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(deposits, 0), pool.submit(deposits, 1)]
        looking = pool.submit(looks)
        try:
            for _ in range(2):  # with the product's own waits, after which everybody has read the file
                rotate(workshop, Suite.AES, at=now(), wait=time.sleep, progress=lambda _, __: None)
        finally:
            stop.set()
        made = [certificate for each in running for certificate in each.result()]
        assert looking.result() > 0
    assert made
    assert set(outdated_rows(workshop).values()) == {0}
    assert holder_rows(own) <= len(companies) + 5
    named = {certificate.holders[0].code.value for certificate in made} | {who["code"] for who in companies}
    assert holder_rows(own) == len(named)
    retire(workshop)
    for certificate in made[-3:]:
        assert_found_everywhere(own, certificate)


def test_a_process_with_an_old_ring_fails_and_misses_nothing(own: House) -> None:
    (certificate,) = deposited(own, request_of(own, company(0))).certificates
    rotated(own)
    workshop = own.wired.workshop
    old = ring_without(own, 2)
    with pytest.raises(Unavailable, match="distribute"), workshop.database.reading() as db:
        find_holder(db, old, certificate.holders[0].code)
    reader = reader_of(own.settings, old)

    async def publicly() -> None:
        await reader.open()
        try:
            await by_token(reader, certificate.token, at=now())
        finally:
            await reader.close()

    with pytest.raises(Unavailable, match="distribute"):
        anyio.run(publicly)
    database = Database(own.settings.database_url.get_secret_value(), pool_size=1, first=active_versions(old))
    for begun in (database.writing, database.noting):
        with pytest.raises(Unavailable, match="distribute"), begun():
            pytest.fail("written without the key")
    database.close()


def test_a_ring_without_the_old_keys_fails_while_they_are_in_use(own: House) -> None:
    (certificate,) = deposited(own, request_of(own, company(0))).certificates
    workshop = own.wired.workshop
    with cut_off_in_the_middle(own):
        early = ring_without(own, 1)
        with pytest.raises(Unavailable, match="distribute"), workshop.database.reading() as db:
            find_holder(db, early, certificate.holders[0].code)


def test_the_suite_changes_with_a_rotation_and_back(own: House) -> None:
    made = list(deposited(own, with_material(own, request_of(own, company(0)))).certificates)
    workshop = own.wired.workshop
    for suite in (Suite.SM4, Suite.AES):
        rotated(own, suite)
        assert workshop.keys.suite is suite
        with workshop.database.reading() as db:
            row = db.execute(select(holders.c.data_key, holders.c.sealed)).one()
            sealed = db.execute(select(certificates.c.sealed)).scalars().all()
        assert {row.data_key[1], row.sealed[1], *(envelope[1] for envelope in sealed)} == {suite}
        made += deposited(own, request_of(own, company(0))).certificates
        header = next(iter(workshop.blobs.document_parts(filed(own, made[-1]).stored_name)))
        assert header[5] == suite
        for certificate in made:
            assert_found_everywhere(own, certificate)
    retire(workshop)
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_a_prepared_key_is_in_nobodys_way_and_is_the_one_that_is_taken(own: House) -> None:
    workshop = own.wired.workshop
    assert prepare(workshop, Suite.SM4) == prepare(workshop, Suite.AES) == (2, 2)
    assert {e.use for e in ring_entries(workshop)} >= {KeyUse.ACTIVE}
    (certificate,) = deposited(own, request_of(own, company(0))).certificates
    with workshop.database.reading() as db:
        assert db.execute(select(holders.c.index_version)).scalar_one() == 1
    fresh = wire(own.settings).workshop  # starts with both versions in its file
    try:
        with fresh.database.reading() as db:
            assert find_holder(db, fresh.keys, certificate.holders[0].code) is not None
        deposited(
            replace(own, wired=replace(own.wired, workshop=replace(fresh, blobs=workshop.blobs))),
            request_of(own, company(0)),
        )
    finally:
        fresh.database.close()
    assert holder_rows(own) == 1
    rotated(own)
    assert workshop.keys.keys.index[2].suite is Suite.SM4
    assert_found_everywhere(own, certificate)


def test_a_look_before_a_rotation_can_still_be_explained_after_it(own: House) -> None:
    (certificate,) = deposited(own, request_of(own, company(0))).certificates
    workshop = own.wired.workshop
    by_number(workshop, own.client, certificate.number, purpose="why", at=now())
    with workshop.database.reading() as db:
        before = db.execute(select(audit_events).where(audit_events.c.action == "lookup")).one()
    rotated(own)
    retire(workshop)
    with workshop.database.reading() as db:
        after = db.execute(select(audit_events).where(audit_events.c.action == "lookup")).one()
    assert before.data_key != after.data_key
    assert before.sealed == after.sealed
    assert reasons_of(workshop, after) == {"purpose": "why"}


def test_what_is_not_there_is_not_found_during_a_rotation_either(own: House) -> None:
    deposited(own, request_of(own, company(0)))
    with cut_off_in_the_middle(own):
        workshop = own.wired.workshop
        stranger = HolderCode.parse("001", company(9)["code"])
        with workshop.database.reading() as db:
            assert find_holder(db, workshop.keys, stranger) is None
        assert isinstance(by_file(workshop, b"hello", at=now()).verdict, Unrecognised)
        with workshop.database.reading() as db:
            state = db.execute(select(key_state)).one()
        assert (state.index_oldest, state.index_version) == (1, 2)
