"""The auditor follows the public log over HTTP and finds whatever a log that cheats could do."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from signing.log_key import new_log_key, read_log_key
from signing.log_note import sign_checkpoint, verifier_key
from tests.unit.tlog import naive
from vault.errors import InputError
from vault.log import closed_content, opened_content, promised
from vault.log_auditor import (
    Memory,
    Report,
    about_checkpoint,
    about_document,
    about_proof,
    about_receipts,
    follow,
    parse_memory,
    proven_origin,
)
from vault.model.origin import OriginKind
from vault.tlog.checkpoint import Checkpoint
from vault.tlog.entries import bundle
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.proof_file import ProofFile
from vault.tlog.tiles import prove_inclusion, tiles_between

KEY = read_log_key(new_log_key())
BASE = "vault.example/v1/log"
AT = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def issue(n: int, *, at: datetime = AT, sha256: str = "") -> bytes:
    documents = [{"format": "pdf", "sha256": sha256 or hashlib.sha256(b"%d" % n).hexdigest(), "sm3": ""}]
    leaf = {"event": "issue", "identifier": f"id-{n}", "documents": documents, "at": at.isoformat()}
    return json.dumps(leaf).encode()


@dataclass
class PaperLog:
    """A log served out of lists: honest unless a test bends it."""

    shards: dict[int, list[bytes]] = field(default_factory=lambda: {2026: []})
    bent: dict[str, bytes | None] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def fetch(self, path: str) -> bytes | None:
        """What the log serves there."""
        self.fetched.append(path)
        if path in self.bent:
            return self.bent[path]
        return self.files().get(path)

    def files(self) -> dict[str, bytes]:
        """Everything that an honest log serves."""
        listed = [{"year": year, "origin": f"{BASE}/{year}"} for year in sorted(self.shards)]
        files = {"/v1/log/shards": json.dumps({"shards": listed}).encode()}
        for year, entries in self.shards.items():
            prefix = f"/v1/log/{year}"
            tree = naive.NaiveTiles([leaf_hash(entry) for entry in entries])
            files[f"{prefix}/checkpoint"] = self.note(year)
            for tile in tiles_between(0, len(entries)):
                files[f"{prefix}/{tile.path}"] = tree.tile(tile)
                if tile.level == 0:
                    first = tile.number * 256
                    files[f"{prefix}/{tile.entries_path}"] = bundle(entries[first : first + tile.width])
        return files

    def head(self, year: int = 2026) -> Checkpoint:
        """The tree head."""
        entries = self.shards[year]
        return Checkpoint(f"{BASE}/{year}", len(entries), naive.root([leaf_hash(e) for e in entries]))

    def note(self, year: int = 2026) -> bytes:
        """The signed tree head."""
        return sign_checkpoint(KEY, self.head(year)).encode()

    def follow(self, memory: Memory | None = None, *, at: datetime = AT, **more: Any) -> Report:  # noqa: ANN401 - what follow takes
        """What an auditor finds."""
        return follow(self.fetch, verifier_key(KEY, f"{BASE}/2026"), memory or Memory(), at=at, **more)


@pytest.fixture
def paper() -> PaperLog:
    log = PaperLog()
    log.shards[2026] = [issue(n) for n in range(300)]
    return log


def test_an_honest_log_is_followed_from_look_to_look(paper: PaperLog) -> None:
    memory = Memory()
    for n, size in enumerate((0, 1, 256, 300)):
        log = PaperLog({2026: paper.shards[2026][:size]})
        report = log.follow(memory, at=AT + n * DAY / 4)
        assert report.findings == ()
        assert [shard.signed.checkpoint.size for shard in report.shards] == [size]
        memory = parse_memory(report.memory.encode())
        assert memory == report.memory
    assert paper.follow(memory).shards[0].new == 0
    assert paper.follow(memory, whole=True).shards[0].new == 300


def test_only_what_is_new_is_read(paper: PaperLog) -> None:
    memory = paper.follow().memory
    paper.shards[2026] += [issue(n) for n in range(300, 310)]
    paper.fetched.clear()
    assert paper.follow(memory).shards[0].new == 10
    assert "/v1/log/2026/tile/entries/000" not in paper.fetched


def test_a_tree_that_shrinks_is_found_with_both_signatures(paper: PaperLog) -> None:
    memory = paper.follow().memory
    paper.shards[2026] = paper.shards[2026][:299]
    (finding,) = paper.follow(memory).findings
    assert "shows 299 leaves and had 300" in finding
    assert finding.count("— vault.example/v1/log/2026") == 2


@pytest.mark.parametrize("grown", [0, 1, 50])
@pytest.mark.parametrize("whole", [True, False])
def test_a_history_that_was_rewritten_is_found(paper: PaperLog, grown: int, *, whole: bool) -> None:
    memory = paper.follow().memory
    paper.shards[2026][7] = issue(7, sha256="00" * 32)
    paper.shards[2026] += [issue(n) for n in range(300, 300 + grown)]
    report = paper.follow(memory, whole=whole)
    assert report.findings
    assert report.memory == memory


BENDS: list[tuple[str, Callable[[bytes], bytes | None], str]] = [
    ("checkpoint", lambda _: None, "does not serve"),
    ("checkpoint", lambda note: note.replace(b"300", b"299"), "signature does not hold"),
    ("checkpoint", lambda note: note.replace(b"2026\n", b"2027\n", 1), "another log"),
    (
        "checkpoint",
        lambda _: sign_checkpoint(
            read_log_key(new_log_key()), Checkpoint(f"{BASE}/2026", 0, bytes(32))
        ).encode(),
        "not signed",
    ),
    ("checkpoint", lambda _: b"<html>", "empty line"),
    ("tile/entries/001.p/44", lambda _: None, "does not serve"),
    ("tile/entries/001.p/44", lambda entries: entries[:-1], "middle of an entry"),
    ("tile/entries/001.p/44", lambda entries: entries + b"\0\0", "Expected a bundle of 44"),
    ("tile/entries/000", lambda entries: entries.replace(b"id-5", b"id-6", 1), "hashes of its entries"),
    ("tile/0/000", lambda tile: tile[::-1], "hashes of its entries"),
    ("tile/0/000", lambda tile: tile[:-32], "does not hold 256"),
    ("tile/1/000.p/1", lambda tile: tile[::-1], "tiles do not have the root"),
]


@pytest.mark.parametrize(("path", "bend", "says"), BENDS, ids=range(len(BENDS)))
def test_every_file_that_is_not_what_it_must_be_is_found(
    paper: PaperLog, path: str, bend: Callable[[bytes], bytes | None], says: str
) -> None:
    whole = f"/v1/log/2026/{path}"
    paper.bent[whole] = bend(paper.files()[whole])
    (finding,) = paper.follow().findings
    assert says in finding


def test_a_signed_root_that_is_not_that_of_the_entries_is_found(paper: PaperLog) -> None:
    forged = Checkpoint(f"{BASE}/2026", 300, bytes(32))
    paper.bent["/v1/log/2026/checkpoint"] = sign_checkpoint(KEY, forged).encode()
    (finding,) = paper.follow().findings
    assert "do not have the root that it signed" in finding


def test_a_leaf_that_is_dated_back_is_found(paper: PaperLog) -> None:
    memory = paper.follow(at=AT + 3 * DAY).memory
    paper.shards[2026].append(issue(300, at=AT + DAY))  # a day is what the log may leave a leaf waiting
    (finding,) = paper.follow(memory, at=AT + 4 * DAY).findings
    assert "entry 300" in finding
    assert "dated back" in finding
    paper.shards[2026][-1] = issue(300, at=AT + 2.5 * DAY)
    assert paper.follow(memory, at=AT + 4 * DAY).findings == ()


def test_a_leaf_behind_much_younger_ones_is_found_at_the_first_look(paper: PaperLog) -> None:
    paper.shards[2026] += [issue(300, at=AT + 9 * DAY), issue(301, at=AT)]
    (finding,) = paper.follow(at=AT + 10 * DAY).findings
    assert "entry 301" in finding


def test_an_entry_that_is_no_leaf_is_found(paper: PaperLog) -> None:
    paper.shards[2026].append(b"\xff")
    (finding,) = paper.follow().findings
    assert "not a leaf of this log" in finding


def turned(paper: PaperLog) -> PaperLog:
    """The log in the year after."""
    paper.shards[2026].append(closed_content(f"{BASE}/2026", f"{BASE}/2027", AT))
    paper.shards[2027] = [opened_content(f"{BASE}/2027", paper.head(2026), AT), issue(1000)]
    return paper


def test_the_turn_of_the_year_is_followed(paper: PaperLog) -> None:
    memory = paper.follow().memory
    report = turned(paper).follow(memory)
    assert report.findings == ()
    assert [shard.signed.checkpoint.size for shard in report.shards] == [301, 2]


def test_a_shard_that_forgets_the_one_before_it_is_found(paper: PaperLog) -> None:
    turned(paper).shards[2027].pop(0)
    (finding,) = paper.follow().findings
    assert "does not name the end" in finding


def test_a_shard_that_grows_after_its_end_is_found(paper: PaperLog) -> None:
    memory = turned(paper).follow().memory
    paper.shards[2026].append(issue(5000))
    findings = paper.follow(memory).findings
    assert any("does not close it" in finding for finding in findings)


def test_a_shard_that_is_not_shown_any_more_is_found(paper: PaperLog) -> None:
    memory = turned(paper).follow().memory
    del paper.shards[2026]
    assert any("not show this shard any more" in f for f in paper.follow(memory).findings)


@pytest.mark.parametrize(
    "listed", [b"[]", b"{}", b'{"shards": [{"year": 2026, "origin": "other/2026"}]}', b"\xff"]
)
def test_a_list_of_shards_that_is_none_is_refused(paper: PaperLog, listed: bytes) -> None:
    paper.bent["/v1/log/shards"] = listed
    with pytest.raises(InputError):
        paper.follow()


@pytest.mark.parametrize(
    "bend",
    [
        lambda kept: kept.replace('"format": 1', '"format": 2'),
        lambda kept: kept.replace('"size": 300', '"size": 299'),
        lambda kept: kept.replace('"size": 300', '"size": 3'),
        lambda kept: kept[:-2],
        lambda _: "[]",
    ],
)
def test_a_memory_that_was_bent_is_refused(paper: PaperLog, bend: Callable[[str], str]) -> None:
    with pytest.raises(InputError):
        parse_memory(bend(paper.follow().memory.encode()))


# --- what people bring ------------------------------------------------------------------------------


def asked(paper: PaperLog, question: Any, *, at: datetime = AT) -> tuple[bool, str]:  # noqa: ANN401 - any question
    assert paper.follow(hear=question.hear).findings == ()
    answer = question.answer(at)
    return answer.well, answer.sentence


def test_a_document_is_found_with_what_became_of_it(paper: PaperLog) -> None:
    later = {
        "event": "status",
        "identifier": "id-7",
        "status": "revoked",
        "action": "revoke",
        "at": AT.isoformat(),
    }
    paper.shards[2026].append(json.dumps(later).encode())
    well, said = asked(paper, about_document(hashlib.sha256(b"7").hexdigest()))
    assert well
    assert "issued as id-7" in said
    assert "origin born_sealed" in said
    assert "revoked by revoke" in said


@pytest.mark.parametrize(
    ("leaf", "wanted"),
    [
        ({"event": "issue"}, OriginKind.BORN_SEALED),
        ({"event": "issue", "origin": "scan_unverified"}, OriginKind.SCAN_UNVERIFIED),
        ({"event": "issue", "origin": "papyrus"}, None),
        ({"event": "issue", "origin": ["scan_attested"]}, None),
        ({"event": "rendition"}, None),  # the leaf of the issue says it
    ],
)
def test_a_proof_says_where_the_file_comes_from(leaf: dict[str, object], wanted: OriginKind | None) -> None:
    entry = json.dumps({**leaf, "identifier": "id-a", "at": AT.isoformat()}).encode()
    one = PaperLog({2026: [entry]})
    proof = ProofFile(entry, 0, (), one.note()).encode()
    answer = about_proof(proof, verifier_key(KEY, f"{BASE}/2026"), ())
    assert answer.well
    assert proven_origin(proof) is wanted
    assert ("origin" in answer.sentence) is (wanted is not None)
    assert wanted is None or answer.sentence.endswith(f"origin {wanted}.")


def test_a_document_that_was_issued_secretly_is_found_out(paper: PaperLog) -> None:
    well, said = asked(paper, about_document(hashlib.sha256(b"secret").hexdigest()))
    assert not well
    assert "knows nothing of its issue" in said


def receipt(content: bytes) -> bytes:
    return json.dumps({"log": {"promise": json.loads(promised(KEY, content, AT + DAY).promise)}}).encode()


def test_a_promise_is_kept_or_may_still_be_or_is_broken(paper: PaperLog) -> None:
    key = verifier_key(KEY, f"{BASE}/2026")
    (kept,) = about_receipts(receipt(issue(3)), key)
    assert asked(paper, kept) == (True, kept.answer(AT).sentence)
    (waiting,) = about_receipts(receipt(b"hidden"), key)
    assert asked(paper, waiting, at=AT + DAY)[0]
    well, said = asked(paper, waiting, at=AT + DAY + timedelta(seconds=1))
    assert not well
    assert "has not" in said
    both = json.dumps({"receipts": [json.loads(receipt(issue(n))) for n in range(2)]}).encode()
    assert len(about_receipts(both, key)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"log": 1}',
        receipt(b"x").replace(b"T", b"t"),
        receipt(b"x").replace(b"2026", b"2025"),
    ],
)
def test_a_receipt_that_the_log_did_not_sign_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        about_receipts(content, verifier_key(KEY, f"{BASE}/2026"))


def test_two_people_who_were_answered_differently_find_out(paper: PaperLog) -> None:
    key = verifier_key(KEY, f"{BASE}/2026")
    shards = paper.follow().shards
    for size in (0, 1, 255, 256, 300):
        same = PaperLog({2026: paper.shards[2026][:size]})
        assert about_checkpoint(same.note(), key, shards).well
    other = PaperLog({2026: [*paper.shards[2026][:100], issue(4711)]})
    answer = about_checkpoint(other.note(), key, shards)
    assert not answer.well
    assert "answered two people differently" in answer.sentence
    longer = PaperLog({2026: [*paper.shards[2026], issue(4711)]})
    assert "shown an old tree" in about_checkpoint(longer.note(), key, shards).sentence
    with pytest.raises(InputError):
        about_checkpoint(paper.note().replace(b"\n300", b"\n301"), key, shards)


def test_a_proof_holds_and_leads_to_the_same_log(paper: PaperLog) -> None:
    key = verifier_key(KEY, f"{BASE}/2026")
    shards = paper.follow().shards
    entries = paper.shards[2026][:270]
    early = PaperLog({2026: entries})
    hashes = prove_inclusion(7, 270, naive.NaiveTiles([leaf_hash(e) for e in entries]))
    proof = ProofFile(entries[7], 7, hashes, early.note())
    assert about_proof(proof.encode(), key, ()).well
    assert about_proof(proof.encode(), key, shards).well
    assert about_proof(proof.encode(), key, shards, sha256=hashlib.sha256(b"7").hexdigest()).well
    assert not about_proof(proof.encode(), key, shards, sha256=hashlib.sha256(b"8").hexdigest()).well
    forged = ProofFile(entries[8], 7, hashes, early.note())
    assert "does not hold" in about_proof(forged.encode(), key, shards).sentence
    fork = PaperLog({2026: [*entries[:7], issue(4711), *entries[8:]]})
    hashes = prove_inclusion(7, 270, naive.NaiveTiles([leaf_hash(e) for e in fork.shards[2026]]))
    split = ProofFile(issue(4711), 7, hashes, fork.note())
    assert about_proof(split.encode(), key, ()).well
    assert "two people differently" in about_proof(split.encode(), key, shards).sentence
