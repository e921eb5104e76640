"""Token keys: which one signs and which are published follows from their names and the clock; no restart."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.auth import TokenDesk
from api.edge import TOKEN_LIFETIME, TOKENS_OUTLIVE_KEY
from api.token_keys import LEAD, RELOAD_AFTER, TokenKeys, read_token_keys, rotate
from tests.unit.api.calling import key_folder
from vault.errors import Conflict, InputError, NotAuthenticated

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOON = RELOAD_AFTER


def desk(folder: Path) -> TokenDesk:
    return TokenDesk(TokenKeys(folder, TOKENS_OUTLIVE_KEY), "https://vault.example", TOKEN_LIFETIME)


def kids(desk: TokenDesk, at: datetime) -> list[str]:
    return [key["kid"] for key in desk.public_keys(at)["keys"]]


def turn(folder: Path, at: datetime, *, at_once: bool = False) -> str:
    return rotate(folder, outlive=TOKENS_OUTLIVE_KEY, at_once=at_once, at=at).kid


def knowing(folder: Path, kid: str) -> TokenDesk:
    """A desk that knows only the key with this id: it checks which key signed."""
    [found] = [key for key in read_token_keys(folder) if key.kid == kid]
    return desk(key_folder(found.path.read_text()))


def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_ended() -> None:
    folder = key_folder()
    running = desk(folder)
    [old] = kids(running, AT)
    new = turn(folder, AT)
    assert kids(running, AT + SOON - timedelta(seconds=1)) == [old], "not looked yet"
    assert kids(running, AT + SOON) == [old, new]
    last = running.issue("water", AT + LEAD - timedelta(seconds=1)).value
    first = running.issue("water", AT + LEAD).value
    for token in (first, last):
        assert running.client_of(token, AT + LEAD + TOKEN_LIFETIME - timedelta(seconds=2)) == "water"
    assert kids(running, AT + LEAD + TOKENS_OUTLIVE_KEY - timedelta(seconds=1)) == [old, new]
    assert kids(running, AT + LEAD + TOKENS_OUTLIVE_KEY) == [new]


def test_the_key_that_signs_changes_at_the_second_in_its_name() -> None:
    folder = key_folder()
    [old] = kids(desk(folder), AT)
    new = turn(folder, AT)
    for at, signer, other in ((AT + LEAD - timedelta(seconds=1), old, new), (AT + LEAD, new, old)):
        token = desk(folder).issue("water", at).value
        assert knowing(folder, signer).client_of(token, at) == "water"
        with pytest.raises(NotAuthenticated):
            knowing(folder, other).client_of(token, at)


def test_a_compromised_key_is_out_within_the_promised_time() -> None:
    folder = key_folder()
    running = desk(folder)
    stolen = running.issue("water", AT).value
    waiting = turn(folder, AT)
    new = turn(folder, AT, at_once=True)
    with pytest.raises(NotAuthenticated):
        running.client_of(stolen, AT + SOON)
    assert kids(running, AT + SOON) == [new] != [waiting]
    assert running.client_of(running.issue("water", AT + SOON).value, AT + SOON) == "water"


def test_a_rotation_removes_what_ended_and_only_that() -> None:
    folder = key_folder()
    turn(folder, AT)
    with pytest.raises(Conflict, match="published already"):
        turn(folder, AT)
    turn(folder, AT + LEAD + timedelta(seconds=1))
    assert len(list(folder.iterdir())) == 3, "the first one's tokens may still come"
    third = AT + 2 * LEAD + TOKENS_OUTLIVE_KEY + timedelta(seconds=2)
    made = rotate(folder, outlive=TOKENS_OUTLIVE_KEY, at_once=False, at=third)
    assert made.removed[0] == "token.key.pem"
    assert len(made.removed) == 2
    assert {path.stat().st_mode & 0o077 for path in folder.glob("token.2*")} == {0}


def test_no_token_is_refused_while_keys_rotate_under_load() -> None:
    """Two desks, as two processes have them; four threads ask and check while time and keys move on."""
    folder = key_folder()
    desks = [desk(folder), desk(folder)]
    moment, stop, refused, checked = [AT], threading.Event(), [], [0]

    def work(n: int) -> None:
        while not stop.is_set():
            at = moment[0]
            token = desks[n % 2].issue("water", at).value
            for one in desks:
                try:
                    one.client_of(token, at)
                except NotAuthenticated as error:
                    refused.append(error)
            checked[0] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for step in range(300):
        at = AT + timedelta(seconds=10 * step)
        if step % 130 == 0:
            turn(folder, at)
        before, moment[0] = checked[0], at
        while checked[0] == before:
            pass  # every step is really worked in
    stop.set()
    for thread in threads:
        thread.join()
    assert refused == []
    assert checked[0] >= 300
    assert not (folder / "token.key.pem").exists(), "the first key has come and gone"


@pytest.mark.parametrize("content", ["", "x", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"])
def test_a_broken_key_stops_the_start_but_not_what_runs(content: str) -> None:
    folder = key_folder()
    running = desk(folder)
    known = kids(running, AT)
    (folder / "token.20261122T120000Z.key.pem").write_text(content)
    assert kids(running, AT + SOON) == known
    with pytest.raises(InputError):
        read_token_keys(folder)


def test_a_folder_without_a_key_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no token key"):
        read_token_keys(tmp_path)
