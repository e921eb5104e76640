"""Envelopes open in their own place only, and indexes tell columns apart; in both suites."""

import base64
import json
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.envelope import (
    DataKey,
    KeyRing,
    RingKey,
    RingKeys,
    Suite,
    add_versions,
    drop_versions,
    file_key_ring,
    new_key_ring_document,
    open_json,
    read_key_ring,
    seal_json,
    tag_under,
    unwrap_key,
    version_of,
    wrap_key,
)
from storage.envelope.suites import KEY_BYTES, decrypt, encrypt, mac
from vault.errors import InputError, IntegrityError, Unavailable

RINGS = {suite: read_key_ring(new_key_ring_document(suite)) for suite in Suite}
RING = RINGS[Suite.AES]


@pytest.fixture(params=list(Suite), ids=lambda suite: suite.label)
def ring(request: pytest.FixtureRequest) -> KeyRing:
    suite: Suite = request.param
    return RINGS[suite]


@given(st.sampled_from(list(Suite)), st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_what_is_sealed_opens_again(suite: Suite, value: dict[str, object]) -> None:
    ring = RINGS[suite]
    key = ring.new_data_key("t.k:1")
    sealed = seal_json(key, value, "t.c:1")
    assert open_json(ring.data_key(key.wrapped, "t.k:1"), sealed, "t.c:1") == value
    assert sealed[1] == key.wrapped[1] == suite


@pytest.mark.parametrize("elsewhere", ["t.c:2", "t.other:1", "other.c:1"])
def test_an_envelope_moved_to_another_row_column_or_table_does_not_open(
    ring: KeyRing, elsewhere: str
) -> None:
    key = ring.new_data_key("t.c:1")
    sealed = seal_json(key, "x", "t.c:1")
    with pytest.raises(IntegrityError):
        open_json(key, sealed, elsewhere)
    with pytest.raises(IntegrityError):
        ring.data_key(key.wrapped, elsewhere)
    outer, inner = ring.new_record_key(), ring.new_record_key()
    wrapped = wrap_key(outer, inner, "t.c:1")
    assert unwrap_key(outer, wrapped, "t.c:1").key == inner.key
    with pytest.raises(IntegrityError):
        unwrap_key(outer, wrapped, elsewhere)


@given(st.sampled_from(list(Suite)), st.integers(min_value=0, max_value=10_000), st.integers(0, 7))
def test_a_flipped_bit_does_not_open(suite: Suite, position: int, bit: int) -> None:
    ring = RINGS[suite]
    key = ring.new_data_key("t.k:1")
    sealed = bytearray(seal_json(key, "personal", "t.c:1"))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(IntegrityError):
        open_json(key, bytes(sealed), "t.c:1")
    wrapped = bytearray(key.wrapped)
    wrapped[position % len(wrapped)] ^= 1 << bit
    with pytest.raises(IntegrityError):
        ring.data_key(bytes(wrapped), "t.k:1")


@given(st.sampled_from(list(Suite)), st.integers(min_value=0, max_value=60))
def test_what_is_cut_short_does_not_open(suite: Suite, length: int) -> None:
    ring = RINGS[suite]
    key = ring.new_data_key("t.k:1")
    sealed = seal_json(key, "a text that is longer than any header and tag together is", "t.c:1")
    with pytest.raises(IntegrityError):
        open_json(key, sealed[:length], "t.c:1")
    with pytest.raises((IntegrityError, IndexError)):
        ring.data_key(key.wrapped[:length], "t.k:1")


def test_a_key_that_a_row_wrapped_is_not_taken_for_one_of_the_vault(ring: KeyRing) -> None:
    outer, inner = ring.new_record_key(), ring.new_record_key()
    wrapped = wrap_key(outer, inner, "t.k:1")
    assert version_of(wrapped) == 0
    with pytest.raises(IntegrityError):
        ring.data_key(wrapped, "t.k:1")
    with pytest.raises(IntegrityError):
        unwrap_key(outer, ring.new_data_key("t.k:1").wrapped, "t.k:1")


def test_both_suites_are_readable_side_by_side() -> None:
    key = secrets.token_bytes(KEY_BYTES)
    by_suite = {suite: seal_json(DataKey(key, suite=suite), "x", "t.c:1") for suite in Suite}
    assert {open_json(DataKey(key), sealed, "t.c:1") for sealed in by_suite.values()} == {"x"}
    assert tag_under(DataKey(key), "name") == tag_under(DataKey(key, suite=Suite.SM4), "name")


def test_an_index_depends_on_key_purpose_and_text(ring: KeyRing) -> None:
    other = read_key_ring(new_key_ring_document())
    assert ring.index("a", "x") == ring.index("a", "x")
    assert len({ring.index("a", "x"), ring.index("b", "x"), ring.index("a", "y"), other.index("a", "x")}) == 4


def ring_of(*versions: int, suite: Suite = Suite.AES) -> KeyRing:
    keys = {version: RingKey(bytes([version]) * KEY_BYTES, suite) for version in versions}
    return KeyRing(RingKeys(keys, keys))


def test_the_active_key_seals_and_the_others_still_open_and_find() -> None:
    old, both = ring_of(1), ring_of(1, 2)
    wrapped = old.new_data_key("t.k:1").wrapped
    assert both.data_key(wrapped, "t.k:1").key == old.data_key(wrapped, "t.k:1").key
    assert both.index_version == 2
    assert both.indexes("p", "x") == (both.index("p", "x"), old.index("p", "x"))
    both.take_up(1, 1)
    assert both.index("p", "x") == old.index("p", "x")
    assert version_of(both.new_data_key("t.k:1").wrapped) == 1
    with pytest.raises(IntegrityError):
        old.data_key(ring_of(2).new_data_key("t.k:1").wrapped, "t.k:1")
    with pytest.raises(Unavailable, match="distribute"):
        old.take_up(2, 2)


def test_what_was_sealed_before_revision_0008_opens() -> None:
    """A wrapped key as version, nonce, cipher text, and an envelope as nonce and cipher text."""
    ring, key, nonce = ring_of(1), secrets.token_bytes(KEY_BYTES), secrets.token_bytes(12)
    wrapped = b"\x01" + nonce + encrypt(Suite.AES, bytes([1]) * KEY_BYTES, nonce, key, b"t.k:1")
    for first in (b"\x00", b"\xc2\x01"):  # a nonce that looks like the newer format's header, too
        sealed_nonce = first + secrets.token_bytes(12 - len(first))
        sealed = sealed_nonce + encrypt(Suite.AES, key, sealed_nonce, b'"before"', b"t.c:1")
        assert open_json(ring.data_key(wrapped, "t.k:1"), sealed, "t.c:1") == "before"
        with pytest.raises(IntegrityError):
            open_json(ring.data_key(wrapped, "t.k:1"), sealed, "t.c:2")
    with pytest.raises(IntegrityError):
        ring.data_key(wrapped, "t.k:2")


def test_sm4_gcm_is_the_one_of_rfc_8998() -> None:
    """RFC 8998, appendix A.1."""
    key, nonce = bytes.fromhex("0123456789abcdeffedcba9876543210"), bytes.fromhex("00001234567800000000abcd")
    bound_to = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = bytes.fromhex(
        "aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8
    )
    sealed = encrypt(Suite.SM4, key, nonce, plain, bound_to)
    assert sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert decrypt(Suite.SM4, key, nonce, sealed, bound_to) == plain


def test_hmac_sm3_is_the_one_of_the_standard() -> None:
    """GM/T 0091, HMAC-SM3 with RFC 2104: recomputed from SM3 itself."""
    import hashlib  # noqa: PLC0415 - the second implementation

    key, message = b"k" * KEY_BYTES, b"message"
    block = key.ljust(64, b"\x00")
    inner = hashlib.new("sm3", bytes(b ^ 0x36 for b in block) + message).digest()
    assert mac(Suite.SM4, key, message) == hashlib.new("sm3", bytes(b ^ 0x5C for b in block) + inner).digest()


def document_with(version: str, key: object) -> str:
    return json.dumps({"index_keys": {version: key}, "wrapping_keys": {version: key}})


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{}",
        "[]",
        '{"index_keys": {"1": "AAAA"}, "wrapping_keys": {"1": "AAAA"}}',
        '{"index_keys": 1}',
        json.dumps({"index_keys": {}, "wrapping_keys": {}}),
        document_with("1", {"suite": "des", "key": base64.b64encode(bytes(KEY_BYTES)).decode()}),
        document_with("0", base64.b64encode(bytes(KEY_BYTES)).decode()),
        document_with("one", base64.b64encode(bytes(KEY_BYTES)).decode()),
    ],
)
def test_a_broken_key_ring_is_refused(document: str) -> None:
    with pytest.raises(InputError):
        read_key_ring(document)


def test_keys_are_not_shown(ring: KeyRing) -> None:
    key = ring.new_data_key("t.k:1")
    for shown in (repr(key), repr(ring), repr(ring.keys), repr(ring.keys.index[1])):
        for secret in (key.key, ring.keys.index[1].key, ring.keys.wrapping[1].key):
            assert secret.hex() not in shown
            assert repr(secret) not in shown


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(new_key_ring_document())
    path.chmod(0o600)
    return path


def test_versions_are_added_and_dropped_in_the_file(ring_file: Path) -> None:
    first = file_key_ring(ring_file)
    assert add_versions(ring_file, Suite.SM4) == (2, 2)
    grown = file_key_ring(ring_file)
    assert grown.index_versions == [1, 2]
    assert grown.keys.wrapping[2].suite is Suite.SM4
    assert grown.index_of(1, "p", "x") == first.index("p", "x")
    assert ring_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in ring_file.parent.iterdir()] == ["keys.json"]
    drop_versions(ring_file, index=[1], wrapping=[1])
    assert file_key_ring(ring_file).index_versions == [2]
    with pytest.raises(InputError):
        drop_versions(ring_file, index=[2], wrapping=[])


def test_a_running_process_takes_up_a_changed_file(ring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = file_key_ring(ring_file)
    add_versions(ring_file, Suite.AES)
    assert running.index_versions == [1]  # it has just looked
    monkeypatch.setattr("storage.envelope.ring.REREAD_AFTER_S", -1.0)
    assert running.index_versions == [1, 2]
    ring_file.write_text("{}")
    assert running.index_versions == [1, 2]  # one that is no key ring changes nothing


def test_a_version_that_is_needed_is_looked_for_in_the_file_at_once(ring_file: Path) -> None:
    running = file_key_ring(ring_file)
    add_versions(ring_file, Suite.AES)
    running.take_up(2, 2)
    assert (running.index_version, running.wrapping_version) == (2, 2)


def test_an_idle_process_goes_on_after_its_keys_were_retired(ring_file: Path) -> None:
    idle = file_key_ring(ring_file)
    add_versions(ring_file, Suite.AES)
    drop_versions(ring_file, index=[1], wrapping=[1])
    idle.take_up(2, 2)
    assert idle.index_versions == [2]
    with pytest.raises(Unavailable):
        idle.take_up(3, 3)


def test_a_file_that_gives_a_version_another_key_is_not_taken_up(ring_file: Path) -> None:
    running = file_key_ring(ring_file)
    before = running.index("p", "x")
    ring_file.write_text(new_key_ring_document())
    running.reread()
    assert running.index("p", "x") == before
