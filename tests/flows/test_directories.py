"""The directories on the engines: whole, incremental, broken off, beside deposits, and audited."""

import copy
import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from storage.tables import audit_events
from tests.conftest import House, behind_a_cutting_wire
from tests.flows.test_deposit import deposited
from tests.flows.test_reuse import Holder, given, new_company, new_person, request_for, statements
from tests.trials import now
from vault.directories import Exported, Format, export_directories, summary_json
from vault.errors import Conflict, InputError, Unavailable, UnknownCursor
from vault.lifecycle import change_status, read_change
from vault.model.certificate import CertificateRecord
from vault.model.directory import Directory
from vault.model.legal_time import day_begins, legal_day
from vault.succession import take_over
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

LICENCE, ESTATE = "营业执照", "不动产权证书"
Rows = dict[str, dict[str, Any]]


def exported(
    house: House,
    target: Path,
    *,
    after: str | None = None,
    form: Format = Format.JSON_LINES,
    workshop: Workshop | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Exported:
    return export_directories(
        workshop or house.wired.workshop,
        target,
        form,
        after=after,
        actor="operator:suite",
        at=now(),
        progress=progress,
    )


def rows(made: Exported, directory: Directory) -> Rows:
    """By identifier; each once."""
    (file,) = [file for file in made.files if file.directory is directory]
    content = (made.folder / file.name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file.sha256
    found = [json.loads(each) for each in content.splitlines()]
    assert len(found) == file.rows
    by_identifier = {row["ZZBS"]: row for row in found}
    assert len(by_identifier) == len(found), "a certificate stands in a directory once"
    return by_identifier


def both(made: Exported) -> Rows:
    return rows(made, Directory.RESIDENT) | rows(made, Directory.ORGANISATION)


def changed(house: House, certificate: CertificateRecord, action: str) -> None:
    at = now()
    request = {"action": action, "reason": "样例", "effective_on": legal_day(at).isoformat()}
    change_status(
        house.wired.workshop, house.client, certificate.certificate_id, read_change(request, at=at), at=at
    )


@pytest.fixture
def person() -> Holder:
    return new_person()


def test_each_certificate_stands_in_the_directory_of_its_holders(
    house: House, person: Holder, tmp_path: Path
) -> None:
    company = new_company()
    licence, home = given(house, LICENCE, company), given(house, ESTATE, person)
    shared = given(house, ESTATE, person, company)
    made = exported(house, tmp_path / "all")
    resident, organisation = rows(made, Directory.RESIDENT), rows(made, Directory.ORGANISATION)
    assert licence.identifier in organisation.keys() - resident.keys()
    assert home.identifier in resident.keys() - organisation.keys()
    row = resident[shared.identifier]
    assert row == organisation[shared.identifier]
    assert row["CZZTDM"] == [person["code"], company["code"]]
    assert row["CZZTDMLXDM"] == ["111", "001"]
    assert (row["ZZMC"], row["ZZZT"], row["ZZBFJG"]) == (ESTATE, "01", row["ZZBFJG"])
    assert row["ZZBFJG"] != ""
    with house.wired.workshop.database.reading() as db:
        held = db.execute(text("SELECT count(*) FROM certificates")).scalar_one()
    assert made.certificates == len(both(made)) == held


def test_what_lies_there_is_for_its_owner_only(house: House, tmp_path: Path) -> None:
    made = exported(house, tmp_path / "private")
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    names = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.folder.iterdir()}
    assert names == {"resident.jsonl": 0o600, "organisation.jsonl": 0o600, "summary.json": 0o600}
    assert json.loads((made.folder / "summary.json").read_bytes()) == summary_json(made)
    assert not (tmp_path / "private.part").exists()


def test_an_increment_tells_what_changed_once_and_as_it_is_now(
    house: House, person: Holder, tmp_path: Path
) -> None:
    untouched, twice, old = (given(house, ESTATE, person) for _ in range(3))
    whole = exported(house, tmp_path / "whole")
    changed(house, twice, "suspend")
    changed(house, twice, "revoke")
    new = given(house, ESTATE, person, supersedes=str(old.certificate_id))
    after = exported(house, tmp_path / "after", after=whole.next_cursor)
    found = both(after)
    assert untouched.identifier not in found
    assert found[twice.identifier]["ZZZT"] == "07"
    assert found[old.identifier]["ZZZT"] == "05"
    assert found[old.identifier]["HXZZBS"] == new.identifier
    assert found[new.identifier]["QXZZBS"] == old.identifier
    assert (found[new.identifier]["ZZZT"], found[new.identifier]["ZZBBH"]) == ("01", 2)
    # Whole plus increment is what a whole export says now: a receiver that puts rows over rows is right.
    assert {**both(whole), **found} == both(exported(house, tmp_path / "again"))
    nothing = exported(house, tmp_path / "nothing", after=after.next_cursor)
    assert (nothing.certificates, nothing.next_cursor) == (0, after.next_cursor)


def test_a_renewal_that_begins_later_is_told_when_it_begins(house: House, tmp_path: Path) -> None:
    company, begins = new_company(), legal_day(now()) + timedelta(days=9)
    old = given(house, LICENCE, company)
    whole = exported(house, tmp_path / "whole")
    new = given(house, LICENCE, company, valid_from=begins.isoformat(), supersedes=str(old.certificate_id))
    waiting = exported(house, tmp_path / "waiting", after=whole.next_cursor)
    assert set(both(waiting)) == {new.identifier}
    assert {**both(whole), **both(waiting)} == both(exported(house, tmp_path / "control"))
    take_over(house.wired.workshop, new.certificate_id, at=day_begins(begins))
    (row,) = both(exported(house, tmp_path / "then", after=waiting.next_cursor)).values()
    assert (row["ZZBS"], row["ZZZT"], row["HXZZBS"]) == (old.identifier, "05", new.identifier)
    assert row["ZZZTRQ"] == begins.isoformat()


def test_a_certificate_that_changes_many_pages_apart_is_told_once(
    house: House, person: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.directories.pages.PAGE_MAX", 2)
    whole = exported(house, tmp_path / "whole")
    first = given(house, ESTATE, person)
    others = [given(house, ESTATE, person) for _ in range(5)]
    changed(house, first, "suspend")
    for each in others:
        changed(house, each, "suspend")
    changed(house, first, "resume")
    found = both(exported(house, tmp_path / "after", after=whole.next_cursor))
    assert set(found) == {c.identifier for c in (first, *others)}
    assert list(found)[-1] == first.identifier
    assert found[first.identifier]["ZZZT"] == "01"


@pytest.mark.parametrize("increment", [False, True])
def test_what_happens_meanwhile_is_in_this_export_or_in_the_next(
    house: House,
    person: Holder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    increment: bool,  # noqa: FBT001 - a table's column
) -> None:
    monkeypatch.setattr("storage.directory_rows.PAGE_ROWS", 3)
    monkeypatch.setattr("vault.directories.pages.PAGE_MAX", 3)
    whole = exported(house, tmp_path / "whole")
    known = [given(house, ESTATE, person) for _ in range(6)]
    during: list[CertificateRecord] = []

    def meanwhile(done: int) -> None:
        if done >= 2 and not during:
            during.append(given(house, ESTATE, person))
            for each in known:
                changed(house, each, "suspend")

    after = whole.next_cursor if increment else None
    made = exported(house, tmp_path / "made", after=after, progress=meanwhile)
    assert during
    then = exported(house, tmp_path / "then", after=made.next_cursor)
    found = {**both(whole), **both(made), **both(then)}
    assert found == both(exported(house, tmp_path / "control"))
    assert {found[each.identifier]["ZZZT"] for each in known} == {"02"}
    assert during[0].identifier in found


class BrokenOffError(Exception):
    """Stands for whatever ends a process in the middle."""


def break_off_at(certificates: int) -> Callable[[int], None]:
    def progress(done: int) -> None:
        if done >= certificates:
            raise BrokenOffError

    return progress


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("increment", [False, True])
def test_an_export_that_was_broken_off_goes_on(
    house: House,
    person: Holder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: Format,
    increment: bool,  # noqa: FBT001 - a table's column
) -> None:
    monkeypatch.setattr("storage.directory_rows.PAGE_ROWS", 3)
    monkeypatch.setattr("vault.directories.pages.PAGE_MAX", 3)
    monkeypatch.setattr("vault.directories.exporting.CERTIFICATES_BETWEEN_SAVINGS", 5)
    start = exported(house, tmp_path / "start").next_cursor
    for _ in range(12):
        given(house, ESTATE, person)
    after = start if increment else None
    target = tmp_path / "made"
    for rest in (4, 5, 9):
        with pytest.raises(BrokenOffError):
            exported(house, target, after=after, form=form, progress=break_off_at(rest))
        assert not target.exists()
    part = tmp_path / "made.part"
    (file,) = part.glob(f"resident.{form}")
    saved = json.loads((part / "progress.json").read_bytes())["files"].values()
    assert sum(each["bytes"] for each in saved) > 0
    with file.open("ab") as torn:
        torn.write(b'{"ZZMC": "half a li' * 100_000)  # more than will be written over it
    heard: list[int] = []
    made = exported(house, target, after=after, form=form, progress=heard.append)
    assert heard[0] > 5, "it did not begin anew"
    control = exported(house, tmp_path / "control", after=after, form=form)
    for one, other in zip(made.files, control.files, strict=True):
        assert (one.rows, one.sha256) == (other.rows, other.sha256)


def test_only_the_same_export_goes_on(house: House, person: Holder, tmp_path: Path) -> None:
    given(house, ESTATE, person)
    target = tmp_path / "made"
    with pytest.raises(BrokenOffError):
        exported(house, target, progress=break_off_at(0))
    with pytest.raises(Conflict, match="begun as a whole export in jsonl"):
        exported(house, target, form=Format.CSV)
    made = exported(house, target)
    with pytest.raises(Conflict, match="is there already"):
        exported(house, target)
    assert made.folder == target


def test_two_at_once_do_not_write_into_one_folder(house: House, tmp_path: Path) -> None:
    refused: list[str] = []

    def meanwhile(_: int) -> None:
        if not refused:
            with pytest.raises(Conflict) as caught:
                exported(house, tmp_path / "made")
            refused.append(caught.value.detail)

    exported(house, tmp_path / "made", progress=meanwhile)
    assert "Another process" in refused[0]


def test_a_wrong_cursor_leaves_nothing_behind(house: House, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        exported(house, tmp_path / "made", after="yesterday")
    with pytest.raises(UnknownCursor):
        exported(house, tmp_path / "made", after="999999999.00000000")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(house: House, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written"):
        exported(house, tmp_path / "absent" / "made")
    (tmp_path / "link.part").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(Unavailable):
        exported(house, tmp_path / "link")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_who_exported_what_is_audited_without_anybodys_code(
    house: House, person: Holder, tmp_path: Path
) -> None:
    given(house, ESTATE, person)
    database = house.wired.workshop.database
    with database.reading() as db:
        before = db.execute(select(func.max(audit_events.c.id))).scalar_one()
    made = exported(house, tmp_path / "made")
    query = select(audit_events).where(audit_events.c.id > before).order_by(audit_events.c.id)
    with database.reading() as db:
        begun, ended = db.execute(query).all()
    assert (begun.actor, begun.action) == ("operator:suite", "directory-export-begun")
    assert (ended.actor, ended.action) == ("operator:suite", "directory-export")
    assert ended.details["certificates"] == made.certificates
    assert ended.details["next_cursor"] == made.next_cursor
    assert ended.details["files"] == {
        file.directory.value: {"rows": file.rows, "sha256": file.sha256} for file in made.files
    }
    assert person["code"] not in str(ended.details)


@pytest.mark.parametrize("how", ["before", "after"])
def test_no_export_is_there_whose_audit_did_not_commit(
    house: House, person: Holder, tmp_path: Path, how: str
) -> None:
    """The COMMIT is cut off and the same command goes on: failed but happened, it is audited twice."""
    given(house, ESTATE, person)
    with behind_a_cutting_wire(house) as (workshop, wire):

        def arm(_: int) -> None:
            wire.cut = how

        with pytest.raises(Unavailable):
            exported(house, tmp_path / "made", workshop=workshop, progress=arm)
        assert wire.cuts == 1
        assert not (tmp_path / "made").exists()
        made = exported(house, tmp_path / "made", workshop=workshop)
    ended = select(func.count()).where(
        audit_events.c.action == "directory-export",
        audit_events.c.details["export"].astext == made.started_at,
    )
    with house.wired.workshop.database.reading() as db:
        assert db.execute(ended).scalar_one() == (1 if how == "before" else 2)


def test_a_certificate_that_cannot_be_read_is_named_and_the_rest_is_there(
    house: House, person: Holder, tmp_path: Path
) -> None:
    damaged, whole = given(house, ESTATE, person), given(house, ESTATE, person)
    name = {"id": damaged.certificate_id}
    database = house.wired.workshop.database
    with database.writing() as db:
        kept = db.execute(text("SELECT sealed FROM certificates WHERE id = :id"), name).scalar_one()
        db.execute(text("UPDATE certificates SET sealed = '\\x00' WHERE id = :id"), name)
    try:
        made = exported(house, tmp_path / "made")
    finally:
        with database.writing() as db:
            db.execute(text("UPDATE certificates SET sealed = :s WHERE id = :id"), {**name, "s": kept})
    assert (made.damaged, made.damaged_count) == ((damaged.identifier,), 1)
    assert whole.identifier in both(made)


def test_a_page_costs_the_same_however_many_certificates_it_holds(
    house: House, person: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = exported(house, tmp_path / "start").next_cursor
    given(house, ESTATE, person, new_company())
    with statements() as of_one:
        cursor = exported(house, tmp_path / "one", after=cursor).next_cursor
    for _ in range(8):
        given(house, ESTATE, person, new_company())
    with statements() as of_eight:
        made = exported(house, tmp_path / "eight", after=cursor)
    assert made.certificates == 8
    assert len(of_eight) == len(of_one)
    monkeypatch.setattr("storage.directory_rows.PAGE_ROWS", 100_000)
    with statements() as of_all:
        exported(house, tmp_path / "all")
    assert len(of_all) < len(of_one)


def test_a_type_is_named_as_it_was_called_then(house: House, person: Holder, tmp_path: Path) -> None:
    certificate = given(house, ESTATE, person)
    renamed = text(
        "INSERT INTO certificate_types (code, version, definition, digest, applied_at)"
        " SELECT code, 9999, jsonb_set(definition, '{name}', '\"另一名称\"'), digest, now()"
        " FROM certificate_types WHERE code = :code AND version = :version"
    )
    values = {"code": certificate.type_code, "version": certificate.type_version}
    database = house.wired.workshop.database
    with database.writing() as db:
        db.execute(renamed, values)
    try:
        assert both(exported(house, tmp_path / "made"))[certificate.identifier]["ZZMC"] == ESTATE
    finally:
        with database.writing() as db:
            db.execute(text("DELETE FROM certificate_types WHERE version = 9999 AND code = :code"), values)


def test_a_case_number_is_in_no_row(house: House, person: Holder, tmp_path: Path) -> None:
    request = copy.deepcopy(request_for(house, ESTATE, person))
    deposited(house, request)
    made = exported(house, tmp_path / "made", form=Format.CSV)
    content = b"".join((made.folder / file.name).read_bytes() for file in made.files)
    assert request["case"]["number"].encode() not in content
    assert replace(made).certificates > 0
