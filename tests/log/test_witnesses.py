"""Cosignatures: only of known witnesses, on what was published; they reach the checkpoint and the proofs."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from signing.log_key import LogKey, new_log_key, read_log_key
from signing.log_note import open_checkpoint
from tests.log.conftest import AT, Log, cosign, cosigned
from vault.errors import InputError, Unavailable
from vault.model.scope import VAULT
from vault.tlog.checkpoint import parse_checkpoint
from vault.tlog.merkle import check_consistency
from vault.tlog.note import COSIGNATURE_V1, ED25519, Note, NoteSignature, VerifierKey, parse_note
from vault.tlog.witness import Witness, parse_witnesses
from vault.transparency import serving
from vault.transparency.cosigning import ask_witnesses, take_cosignatures
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

NAME = "witness.example/w1"


@dataclass
class SmallWitness:
    """A witness as C2SP tlog-witness has it, answering in this process."""

    key: LogKey = field(default_factory=lambda: read_log_key(new_log_key()))
    size: int = 0
    root: bytes = b""
    requests: int = 0
    bend: Callable[[bytes], bytes] = lambda body: body

    @property
    def verifier(self) -> VerifierKey:
        """Its key, as the log's operator notes it."""
        return VerifierKey(NAME, COSIGNATURE_V1, self.key.public)

    def post(self, address: str, body: bytes) -> tuple[int, bytes]:
        """`add-checkpoint`."""
        assert address == "http://witness.example/add-checkpoint"
        self.requests += 1
        head, _, content = body.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        old = int(first.removeprefix("old "))
        note = parse_note(content)
        checkpoint = parse_checkpoint(note.text)
        if old != self.size:
            return 409, f"{self.size}\n".encode()
        proof = [base64.b64decode(line) for line in lines]
        if old:
            check_consistency(old, self.root, checkpoint.size, checkpoint.root, proof)
        self.size, self.root = checkpoint.size, checkpoint.root
        return 200, self.bend(cosign(self.key, NAME, note.text, AT).line.encode())


@pytest.fixture
def witness() -> SmallWitness:
    return SmallWitness()


def watched(log: Log, witness: SmallWitness, url: str | None = None) -> Workshop:
    return replace(log.workshop, witnesses=(Witness(witness.verifier, url),))


def published_note(log: Log) -> Note:
    content = log.workshop.log_store.read("2026/checkpoint")
    assert content is not None
    return parse_note(content)


def test_a_witness_that_comes_by_itself_is_taken_and_published(log: Log, witness: SmallWitness) -> None:
    log.add(3)
    log.sequence()
    workshop, note = watched(log, witness), published_note(log)
    line = cosign(witness.key, NAME, note.text, AT)
    taken = take_cosignatures(workshop, cosigned(note, line), at=AT)
    assert (taken.size, taken.witnesses, taken.new) == (3, (NAME,), 1)
    content = log.workshop.log_store.read("2026/checkpoint")
    assert content is not None
    signed = open_checkpoint(content, log.key(), witnesses=[witness.verifier])
    assert [(each.witness, each.at) for each in signed.cosignatures] == [(NAME, AT)]
    again = take_cosignatures(workshop, cosigned(note, line), at=AT)
    assert (again.witnesses, again.new) == ((NAME,), 0)
    log.add(2, name="later")
    log.sequence()  # the new checkpoint has no cosignature yet, the old one is still known
    assert len(published_note(log).signatures) == 1
    with workshop.database.reading(VAULT) as db:
        first, last = (
            db.execute(text("SELECT certificate_id FROM log_leaves ORDER BY id")).scalars().all()[::4]
        )
    # A proof leads to a checkpoint that a witness has signed, where one has the leaf.
    assert "\n3\n" in serving.proof(workshop, first, None)[1].decode()
    assert line.line in serving.proof(workshop, first, None)[1].decode()
    assert "\n5\n" in serving.proof(workshop, last, None)[1].decode()


def test_a_late_cosignature_on_an_older_checkpoint_is_kept_and_not_published(
    log: Log, witness: SmallWitness
) -> None:
    log.add(3)
    log.sequence()
    old = published_note(log)
    log.add(3, name="later")
    log.sequence()
    line = cosign(witness.key, NAME, old.text, AT)
    assert take_cosignatures(watched(log, witness), cosigned(old, line), at=AT).new == 1
    assert len(published_note(log).signatures) == 1


def test_what_is_no_cosignature_of_a_known_witness_on_ours_is_refused(
    log: Log, witness: SmallWitness
) -> None:
    log.add(3)
    log.sequence()
    workshop, note = watched(log, witness), published_note(log)
    stranger = read_log_key(new_log_key())
    good = cosign(witness.key, NAME, note.text, AT)
    other_text = note.text.replace("\n3\n", "\n4\n")
    refused = [
        b"",
        note.encode(),
        cosigned(note, cosign(stranger, NAME, note.text, AT)),
        cosigned(note, replace(good, signature=good.signature[:-1] + b"x")),
        cosigned(note, replace(good, signature=good.signature[:-1])),
        cosigned(note, replace(good, signature=b"\xff" * 8 + good.signature[8:])),
        cosigned(note, NoteSignature(NAME, good.key_id, (0).to_bytes(8, "big") + good.signature[8:])),
        cosigned(note, cosign(witness.key, NAME, note.text, AT + timedelta(minutes=6))),
        cosigned(Note(other_text, note.signatures), cosign(witness.key, NAME, other_text, AT)),
        cosigned(Note(note.text.replace("2026", "2025"), note.signatures), good),
        cosigned(
            Note(note.text + "extension\n", note.signatures),
            cosign(witness.key, NAME, note.text + "extension\n", AT),
        ),
    ]
    for content in refused:
        with pytest.raises(InputError):
            take_cosignatures(workshop, content, at=AT)
    assert len(published_note(log).signatures) == 1


def test_a_witness_with_an_address_is_asked_with_a_consistency_proof(log: Log, witness: SmallWitness) -> None:
    workshop = watched(log, witness, "http://witness.example")
    log.add(3)
    log.sequence()
    assert [asked.refusal for asked in ask_witnesses(workshop, witness.post, at=AT)] == [None]
    assert len(published_note(log).signatures) == 2
    assert ask_witnesses(workshop, witness.post, at=AT) == ()  # it has signed this one
    log.add(300, name="later")
    log.sequence()
    ask_witnesses(workshop, witness.post, at=AT)
    assert (witness.size, witness.requests) == (303, 2)
    assert len(published_note(log).signatures) == 2


def test_a_witness_that_remembers_more_than_we_do_is_asked_again_from_there(
    log: Log, witness: SmallWitness
) -> None:
    workshop = watched(log, witness, "http://witness.example")
    log.add(3)
    log.sequence()
    head = parse_checkpoint(published_note(log).text)
    witness.size, witness.root = head.size, head.root
    log.add(4, name="later")
    log.sequence()
    assert [asked.refusal for asked in ask_witnesses(workshop, witness.post, at=AT)] == [None]
    assert witness.requests == 2


@pytest.mark.parametrize(
    "answer", [(500, b""), (409, b"x\n"), (409, b"99\n"), (200, b""), (200, b"nonsense\n"), (404, b"\xff")]
)
def test_a_witness_that_answers_badly_costs_nothing(
    log: Log, witness: SmallWitness, answer: tuple[int, bytes]
) -> None:
    log.add(3)
    log.sequence()
    workshop = watched(log, witness, "http://witness.example")
    (asked,) = ask_witnesses(workshop, lambda _address, _body: answer, at=AT)
    assert asked.refusal is not None
    assert len(published_note(log).signatures) == 1


def test_a_witness_that_is_away_or_signs_something_else_costs_nothing(
    log: Log, witness: SmallWitness
) -> None:
    log.add(3)
    log.sequence()
    workshop = watched(log, witness, "http://witness.example")

    def away(_address: str, _body: bytes) -> tuple[int, bytes]:
        raise Unavailable("away")

    assert [asked.refusal for asked in ask_witnesses(workshop, away, at=AT)] == ["away"]
    witness.bend = lambda _: cosign(witness.key, NAME, "another\n", AT).line.encode()
    (asked,) = ask_witnesses(workshop, witness.post, at=AT)
    assert asked.refusal is not None
    assert len(published_note(log).signatures) == 1


def test_the_file_of_witnesses_is_read_strictly(witness: SmallWitness) -> None:
    key = str(witness.verifier)
    assert parse_witnesses(f"# ours\n\n{key}\n") == (Witness(witness.verifier, None),)
    assert parse_witnesses(f"{key} http://w.example/") == (Witness(witness.verifier, "http://w.example"),)
    wrong = str(VerifierKey(NAME, ED25519, witness.key.public))
    for written in (key[:-4], wrong, f"{key}\n{key}"):
        with pytest.raises(InputError):
            parse_witnesses(written)
