"""Notes, checkpoints, proof files and bundles: the specifications' own examples, and what is refused."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import InputError
from vault.tlog.checkpoint import Checkpoint, parse_checkpoint
from vault.tlog.entries import ENTRY_MAX_BYTES, bundle, split_bundle
from vault.tlog.note import (
    COSIGNATURE_V1,
    ED25519,
    NOTE_MAX_BYTES,
    SIGNATURES_MAX,
    Note,
    NoteSignature,
    VerifierKey,
    check_key_name,
    parse_note,
    parse_verifier_key,
)
from vault.tlog.proof_file import ProofFile, parse_proof_file

# From C2SP tlog-checkpoint: a fact of the format, made by others.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()
KEY = VerifierKey("vault.example/v1/log/2026", ED25519, bytes(range(32)))


def test_the_specification_s_checkpoint_reads_and_writes_back() -> None:
    note = parse_note(EXAMPLE)
    assert note.encode() == EXAMPLE
    assert [s.name for s in note.signatures] == ["example.com/behind-the-sofa"]
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == note.text


def test_a_key_reads_back_from_its_written_form() -> None:
    assert parse_verifier_key(str(KEY) + "\n") == KEY
    witness = VerifierKey("witness.example/w1", COSIGNATURE_V1, bytes(32))
    assert parse_verifier_key(str(witness)) == witness
    assert witness.key_id != VerifierKey(witness.name, ED25519, witness.public).key_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        str(KEY).replace("+", " "),
        str(KEY).replace("2026", "2027"),
        "+".join([KEY.name, KEY.key_id.hex().upper(), str(KEY).rpartition("+")[2]]),
        f"{KEY.name}+{KEY.key_id.hex()}+{base64.b64encode(bytes([9]) + KEY.public).decode()}",
        f"{KEY.name}+{KEY.key_id.hex()}+{base64.b64encode(bytes([1]) + KEY.public[1:]).decode()}",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "a\u200bb"])
def test_what_names_no_key_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        check_key_name(name)


MUTATIONS: list[Callable[[bytes], bytes]] = [
    lambda note: note[:-1],
    lambda note: note + b"\n",
    lambda note: note.replace(b"\n\n", b"\n"),
    lambda note: note.replace("—".encode(), b"-"),
    lambda note: note.replace("— ".encode(), "—".encode()),
    lambda note: note.replace(b"YQ8=", b"YQ9="),
    lambda note: note.replace(b"YQ8=", b"YQ8"),
    lambda note: note.replace(b"YQ8=", b"YQ8= "),
    lambda note: note.replace(b"Az3g", b"A\t3g"),
    lambda note: note.replace(b"sofa Az", b"sofa+ Az"),
    lambda note: note.replace(b"\n", b"\r\n"),
    lambda note: note.replace(b"sofa", b"so\xffa"),
    lambda note: note.split(b"\n\n")[0] + b"\n\n",
    lambda note: note + note.split(b"\n\n")[1] * SIGNATURES_MAX,
    lambda note: b"x" * NOTE_MAX_BYTES + note,
    lambda _: b"",
]


@pytest.mark.parametrize("mutate", MUTATIONS, ids=range(len(MUTATIONS)))
def test_what_is_no_note_is_refused(mutate: Callable[[bytes], bytes]) -> None:
    assert mutate(EXAMPLE) != EXAMPLE
    with pytest.raises(InputError):
        parse_note(mutate(EXAMPLE))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_refused(content: bytes) -> None:
    try:
        note = parse_note(content)
    except InputError:
        return
    assert note.encode() == content


@given(st.data())
def test_a_bent_note_is_another_note_or_none(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(EXAMPLE) - 1))
    bent = (
        EXAMPLE[:at] + bytes([data.draw(st.integers(0, 255))]) + EXAMPLE[at + data.draw(st.integers(0, 3)) :]
    )
    try:
        note = parse_note(bent)
    except InputError:
        return
    assert note.encode() == bent
    try:
        assert parse_checkpoint(note.text).text == note.text
    except InputError:
        return


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n٣\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2=\n",
        "o\n1\nAAAA\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nextension\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_checkpoint(text)


def test_an_extension_is_kept() -> None:
    text = "o\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n"
    assert parse_checkpoint(text) == Checkpoint("o", 0, parse_checkpoint(text).root, ("more",))


def proof_files() -> st.SearchStrategy[ProofFile]:
    return st.builds(
        ProofFile,
        extra=st.binary(max_size=40),
        index=st.integers(0, 2**63 - 1),
        proof=st.lists(st.binary(min_size=32, max_size=32), max_size=6).map(tuple),
        checkpoint=st.just(EXAMPLE),
    )


@given(proof_files())
def test_a_proof_file_reads_back(proof: ProofFile) -> None:
    assert parse_proof_file(proof.encode()) == proof


@given(st.data())
def test_a_bent_proof_file_is_another_or_none(data: st.DataObject) -> None:
    content = ProofFile(b"{}", 7, (bytes(32), bytes(32)), EXAMPLE).encode()
    at = data.draw(st.integers(0, len(content) - len(EXAMPLE) - 1))
    bent = (
        content[:at] + bytes([data.draw(st.integers(0, 255))]) + content[at + data.draw(st.integers(0, 2)) :]
    )
    try:
        found = parse_proof_file(bent)
    except InputError:
        return
    assert found.encode() == bent


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"c2sp.org/tlog-proof@v2\nindex 1",
        b"c2sp.org/tlog-proof@v1",
        b"c2sp.org/tlog-proof@v1\nindex 01",
        b"c2sp.org/tlog-proof@v1\nindex 1\nAAAA",
        b"c2sp.org/tlog-proof@v1\nindex 1\nextra AAAA",
        b"c2sp.org/tlog-proof@v1\nextra AA\nindex 1",
        b"c2sp.org/tlog-proof@v1\nindex 1" + b"\n" + base64.b64encode(bytes(32)) * 64,
        b"c2sp.org/tlog-proof@v1\nindex 1" + (b"\n" + base64.b64encode(bytes(32))) * 64,
        "c2sp.org/tlog-proof@v1\nindex ١".encode(),
    ],
)
def test_what_is_no_proof_file_is_refused(head: bytes) -> None:
    with pytest.raises(InputError):
        parse_proof_file(head + b"\n\n" + EXAMPLE)
    with pytest.raises(InputError):
        parse_proof_file(head)


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    content = bundle(entries)
    assert split_bundle(content, len(entries)) == entries
    with pytest.raises(InputError):
        split_bundle(content, len(entries) + 1)
    with pytest.raises(InputError):
        split_bundle(content + b"\x00", len(entries))


def test_an_entry_has_its_longest() -> None:
    assert split_bundle(bundle([bytes(ENTRY_MAX_BYTES)]), 1) == [bytes(ENTRY_MAX_BYTES)]
    with pytest.raises(InputError):
        bundle([bytes(ENTRY_MAX_BYTES + 1)])


def test_a_signature_line_reads_back() -> None:
    signature = NoteSignature(KEY.name, KEY.key_id, bytes(64))
    assert parse_note(Note("a\n\nb\n", (signature, signature)).encode()).signatures == (signature, signature)
    assert KEY.made(signature)
    assert not KEY.made(NoteSignature(KEY.name, b"\0\0\0\0", bytes(64)))
