"""The keys that sign statements: which signs when, what stays of them, and what the list says."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vault.errors import Conflict, InputError, Unavailable
from vault.statement_ring import (
    LEAD,
    RELOAD_AFTER,
    StatementRing,
    found_statement_key,
    rotate_statement_key,
    statement_key_files,
)

AT = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PASSPHRASE = b"a passphrase"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "statements"
    assert found_statement_key(folder, PASSPHRASE, at=AT)
    return folder


def _ring(folder: Path) -> StatementRing:
    return StatementRing(folder, PASSPHRASE)


def test_a_vault_is_founded_with_one_key_that_signs_from_that_second_on(folder: Path) -> None:
    assert not found_statement_key(folder, PASSPHRASE, at=AT + LEAD)
    ring = _ring(folder)
    key = ring.signing(AT)
    assert key is not None
    assert ring.signing(AT - SECOND) is None
    (listed,) = ring.listed(AT)
    assert (listed.public, listed.signs_from) == (key.public, AT.replace(microsecond=0))
    assert (listed.signs_until, listed.revoked_at) == (None, None)


def test_a_key_is_encrypted_and_nobody_elses_to_read(folder: Path) -> None:
    (path,) = statement_key_files(folder)
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(Unavailable, match="cannot be read now"):
        StatementRing(folder, b"another").signing(AT)


def test_whoever_asks_is_not_told_where_the_files_are(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    unreadable = folder / "20260101T000000Z.key.pem"
    unreadable.mkdir()
    for ask in (_ring(folder).listed, _ring(folder).signing):
        with pytest.raises(Unavailable) as refused:
            ask(AT)
        assert str(folder) not in refused.value.detail
    assert str(unreadable) in caplog.text


def test_a_vault_without_a_folder_has_no_key(tmp_path: Path) -> None:
    ring = _ring(tmp_path / "none")
    assert ring.signing(AT) is None
    assert ring.listed(AT) == ()
    assert statement_key_files(tmp_path / "none") == ()


def test_a_new_key_is_listed_for_a_month_before_it_signs(folder: Path) -> None:
    ring = _ring(folder)
    first = ring.signing(AT)
    made = rotate_statement_key(folder, PASSPHRASE, at_once=False, at=AT)
    assert made.signs_from == AT.replace(microsecond=0) + LEAD
    after = AT + RELOAD_AFTER
    old, new = ring.listed(after)
    assert (old.signs_until, new.signs_from, new.signs_until) == (made.signs_from, made.signs_from, None)
    assert ring.signing(made.signs_from - SECOND) == first
    second = ring.signing(made.signs_from)
    assert second is not None
    assert second.public == new.public
    with pytest.raises(Conflict, match="listed already"):
        rotate_statement_key(folder, PASSPHRASE, at_once=False, at=AT + SECOND)


def test_a_key_that_has_ended_leaves_its_public_half_at_the_next_rotation(folder: Path) -> None:
    before = _ring(folder).listed(AT)[0]
    rotate_statement_key(folder, PASSPHRASE, at_once=False, at=AT)
    made = rotate_statement_key(folder, PASSPHRASE, at_once=False, at=AT + LEAD + SECOND)
    assert made.ended == ("20261123T080000Z.key.pem",)
    assert len(statement_key_files(folder)) == 2
    now = AT + LEAD + SECOND
    listed = _ring(folder).listed(now)
    assert listed[0].public == before.public
    assert listed[0].revoked_at is None
    assert [key.signs_until for key in listed] == [listed[1].signs_from, listed[2].signs_from, None]


def test_keys_that_others_may_have_are_revoked_at_once_even_one_that_waits(folder: Path) -> None:
    rotate_statement_key(folder, PASSPHRASE, at_once=False, at=AT)
    now = AT + timedelta(hours=1)
    made = rotate_statement_key(folder, PASSPHRASE, at_once=True, at=now)
    assert len(made.ended) == 2
    assert [path.name for path in statement_key_files(folder)] == ["20261123T090000Z.key.pem"]
    ring = _ring(folder)
    first, mine, waiting = ring.listed(now)
    assert first.revoked_at == waiting.revoked_at == made.signs_from
    assert (mine.revoked_at, mine.signs_until) == (None, None)
    for at in (now, now + 2 * LEAD):
        key = ring.signing(at)
        assert key is not None
        assert key.public == mine.public


def test_a_rotation_that_died_half_way_is_finished_by_the_next(folder: Path) -> None:
    (path,) = statement_key_files(folder)
    private = path.read_bytes()
    rotate_statement_key(folder, PASSPHRASE, at_once=True, at=AT + SECOND)
    path.write_bytes(private)  # as if it had died between writing the public half and removing this
    listed = _ring(folder).listed(AT + SECOND)
    assert listed[0].revoked_at is not None
    rotate_statement_key(folder, PASSPHRASE, at_once=True, at=AT + 2 * SECOND)
    assert not path.exists()
    assert _ring(folder).listed(AT)[0] == listed[0]


def test_two_rotations_in_one_second_lose_no_key(folder: Path) -> None:
    with pytest.raises(Conflict, match="this second"):
        rotate_statement_key(folder, PASSPHRASE, at_once=True, at=AT)


def test_a_ring_goes_on_with_what_it_knows_while_the_folder_is_unreadable(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ring = _ring(folder)
    key = ring.signing(AT)
    (folder / "20270101T000000Z.key.pem").write_bytes(b"half a key")
    assert ring.signing(AT + RELOAD_AFTER) is key
    assert "statement keys cannot be read" in caplog.text


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_folder_that_has_lost_every_key_is_no_list_without_keys(
    folder: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    ring = _ring(folder)
    key, listed = ring.signing(AT), ring.listed(AT)
    away = folder.rename(folder.with_name("unmounted"))
    if how == "empty":
        folder.mkdir()
    assert ring.signing(AT + RELOAD_AFTER) is key
    assert ring.listed(AT + 2 * RELOAD_AFTER) == listed
    assert "no statement key any more" in caplog.text
    if how == "empty":
        folder.rmdir()
    away.rename(folder)
    assert ring.listed(AT + 3 * RELOAD_AFTER) == listed


def test_a_private_half_goes_only_when_the_disk_has_the_public_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of what reaches the disk: file, its name, and only then the removal."""
    done: list[tuple[str, int]] = []
    sync, unlink = os.fsync, Path.unlink

    def noted_sync(descriptor: int) -> None:
        done.append(("sync", os.fstat(descriptor).st_ino))
        sync(descriptor)

    def noted_unlink(path: Path, *, missing_ok: bool = False) -> None:
        if path.exists():
            done.append(("unlink", path.stat().st_ino))
        unlink(path, missing_ok=missing_ok)

    (private,) = statement_key_files(folder)
    removed = private.stat().st_ino
    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "unlink", noted_unlink)
    rotate_statement_key(folder, PASSPHRASE, at_once=True, at=AT + SECOND)
    (public,) = folder.glob("*.pub.pem")
    last = done.index(("unlink", removed))
    assert done[last - 2 : last] == [("sync", public.stat().st_ino), ("sync", folder.stat().st_ino)]


def test_a_key_that_was_revoked_while_it_waited_is_listed_as_one_that_never_signed(folder: Path) -> None:
    rotate_statement_key(folder, PASSPHRASE, at_once=False, at=AT)
    made = rotate_statement_key(folder, PASSPHRASE, at_once=True, at=AT + SECOND)
    *_, waiting = _ring(folder).listed(AT + SECOND)
    assert waiting.signs_from == waiting.signs_until == waiting.revoked_at == made.signs_from


@pytest.mark.parametrize(
    "name", ["20269999T999999Z.key.pem", "20261123T080000Z.revoked-20261399T000000Z.pub.pem"]
)
def test_a_file_named_by_no_time_is_told(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be read now") as told:
        _ring(folder).signing(AT)
    assert "names no time" in str(told.value.__cause__)


def test_a_private_half_that_cannot_be_swept_away_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = statement_key_files(folder)
    private, unlink = path.read_bytes(), Path.unlink
    rotate_statement_key(folder, PASSPHRASE, at_once=True, at=AT + SECOND)
    path.write_bytes(private)  # as if it had died half way

    def refused(which: Path, *, missing_ok: bool = False) -> None:
        if which == path:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(which, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(InputError, match="cannot be written"):
        rotate_statement_key(folder, PASSPHRASE, at_once=True, at=AT + 2 * SECOND)


def test_other_files_are_left_alone(folder: Path) -> None:
    (folder / "notes.txt").write_text("not a key")
    assert len(_ring(folder).listed(AT)) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        found_statement_key(tmp_path / "file" / "statements", PASSPHRASE, at=AT)
