"""The trust list: there and back, signed by the log's key, and refused where it is not."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.trust_list import read_trust_list, write_trust_list
from tests.signing.statements import AS_OF, listed, log_key, statement_key, trust
from vault.errors import InputError, SignatureError

LOG = log_key()
OLD, NEW = statement_key(), statement_key()
TRUST = trust(
    listed(OLD, signs_until=AS_OF, revoked_at=AS_OF), listed(NEW, signs_from=AS_OF + timedelta(days=30))
)
NOTE = write_trust_list(TRUST, LOG)


def test_there_and_back() -> None:
    assert read_trust_list(NOTE) == TRUST
    assert read_trust_list(NOTE, log_key=LOG.public) == TRUST
    assert TRUST.key(NEW.public.kid) == TRUST.keys[1]
    assert TRUST.key(bytes(8)) is None


def test_another_logs_key_has_not_signed_it() -> None:
    with pytest.raises(SignatureError, match="not signed by this log"):
        read_trust_list(NOTE, log_key=log_key().public)


def test_what_was_changed_is_not_what_was_signed() -> None:
    changed = NOTE.replace(AS_OF.strftime("%Y").encode(), b"2025", 1)
    assert read_trust_list(changed) != TRUST  # without the log's key nothing is proved
    with pytest.raises(SignatureError, match="does not hold"):
        read_trust_list(changed, log_key=LOG.public)


@given(st.integers(0, len(NOTE) - 1), st.binary(min_size=1, max_size=1))
def test_no_byte_of_it_may_change(place: int, byte: bytes) -> None:
    changed = NOTE[:place] + byte + NOTE[place + 1 :]
    if changed == NOTE:
        return
    with pytest.raises((InputError, SignatureError)):
        read_trust_list(changed, log_key=LOG.public)


def _note(shown: object) -> bytes:
    name, _, signatures = NOTE.partition(b"\n")[0], None, NOTE.rpartition(b"\n\n")[2]
    return name + b"\n" + json.dumps(shown).encode() + b"\n\n" + signatures


def _shown() -> dict[str, object]:
    shown: dict[str, object] = json.loads(NOTE.split(b"\n")[1])
    return shown


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 2}, "version 1"),
        ({"more": 1}, "version 1"),
        ({"keys": {}}, "at most"),
        ({"keys": [1]}, "ES256"),
        ({"keys": [{"alg": "ES256", "x": "AA", "y": "AA"}]}, "32 bytes"),
        ({"made_at": "yesterday"}, "times like"),
        ({"made_at": None}, "times like"),
        ({"vault": "https://other.example"}, "another vault"),
        ({"vault": 5}, "a vault"),
    ],
)
def test_what_is_no_list_is_refused(change: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_trust_list(_note({**_shown(), **change}))


def test_a_key_under_another_name_is_refused() -> None:
    shown = _shown()
    shown["keys"][0]["kid"] = "00" * 8  # type: ignore[index]  # a list of objects
    with pytest.raises(InputError, match="another name"):
        read_trust_list(_note(shown))


@pytest.mark.parametrize("content", [b"", b"\xff", b"x\n\ny", _note("text"), _note([[[]]])])
def test_what_is_no_note_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        read_trust_list(content)
