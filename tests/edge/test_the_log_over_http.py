"""The log over HTTP: what a deposit promised is found by an auditor who has only the address and the key."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from api import answers
from api.answers import log as log_answers
from signing.log_note import open_checkpoint, verifier_key
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.requests import example_request
from vault.log_auditor import Memory, about_document, about_proof, follow
from vault.model.legal_time import legal_day
from vault.tlog.entries import split_bundle
from vault.tlog.note import VerifierKey
from vault.tlog.tiles import tile_holding
from vault.transparency.sequencing import sequence

pytestmark = pytest.mark.engines


@pytest.fixture
def key(house: House) -> VerifierKey:
    return verifier_key(
        house.wired.workshop.log_key, f"vault.example/v1/log/{legal_day(datetime.now(UTC)).year}"
    )


def sequenced(house: House) -> None:
    sequence(house.wired.workshop, at=datetime.now(UTC), heads_apart=timedelta(0))


def test_from_the_receipt_to_the_proof(
    house: House, caller: Caller, bearer: dict[str, str], key: VerifierKey
) -> None:
    request = example_request(house.catalogue)
    sequenced(house)  # so that the deposit's leaf is the only one that waits
    receipt = caller("POST", "/v1/deposits", json=request, headers=bearer).json()["receipts"][0]
    log = receipt["log"]
    assert (log["index"], log["origin"], log["proof"]) == (None, None, None)
    address = f"/v1/log/proofs/{receipt['certificate_id']}"
    early = caller("GET", address)
    assert early.status_code == 404
    assert "promised" in early.json()["detail"]
    sequenced(house)
    again = shaped(answers.DepositOut, caller("POST", "/v1/deposits", json=request, headers=bearer))
    log = again["receipts"][0]["log"]
    assert log["origin"] == key.name
    assert log["proof"] == address
    found = caller("GET", address)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"index {log['index']}\n" in found.text
    sha256 = receipt["documents"][0]["sha256"]
    assert about_proof(found.content, key, (), sha256=sha256).well
    report = caller(
        "POST", "/v1/verifications", json={"number": receipt["number"], "code": receipt["verification_code"]}
    )
    assert report.json()["log"] == {"index": log["index"], "origin": key.name, "proof": address}
    assert ("logged", "passed") in {(c["name"], c["result"]) for c in report.json()["checks"]}


def test_every_leaf_of_a_certificate_has_its_proof(
    house: House, caller: Caller, bearer: dict[str, str], key: VerifierKey
) -> None:
    body = example_request(house.catalogue)
    receipt = caller("POST", "/v1/deposits", json=body, headers=bearer).json()["receipts"][0]
    address = f"/v1/certificates/{receipt['certificate_id']}/status"
    today = legal_day(datetime.now(UTC)).isoformat()
    change = {"action": "revoke", "reason": "样例", "effective_on": today}
    caller("POST", address, json=change, headers=bearer)
    sequenced(house)
    log = shaped(answers.RecordedOut, caller("POST", address, json=change, headers=bearer))["log"]
    proof = caller("GET", log["proof"])
    assert about_proof(proof.content, key, ()).well
    assert "status of" in about_proof(proof.content, key, ()).sentence
    assert caller("GET", f"/v1/log/proofs/{receipt['certificate_id']}?leaf={'0' * 64}").status_code == 404
    assert caller("GET", f"/v1/log/proofs/{receipt['certificate_id']}?leaf=x").status_code == 422


def test_an_auditor_follows_the_served_log(
    house: House, caller: Caller, bearer: dict[str, str], key: VerifierKey
) -> None:
    receipt = caller("POST", "/v1/deposits", json=example_request(house.catalogue), headers=bearer).json()[
        "receipts"
    ][0]
    sequenced(house)

    def fetch(path: str) -> bytes | None:
        answer = caller("GET", path)
        return None if answer.status_code == 404 else answer.content

    issued = about_document(receipt["documents"][0]["sha256"])
    report = follow(fetch, key, Memory(), at=datetime.now(UTC), hear=issued.hear)
    # Some tests live in the future for a while: what is honestly of today then looks dated back. That finding
    # has its own tests, over logs of their own (tests/log/test_auditor.py).
    assert [found for found in report.findings if not found.endswith("dated back.")] == []
    assert issued.answer(datetime.now(UTC)).well
    shards = shaped(log_answers.ShardsOut, caller("GET", "/v1/log/shards"))["shards"]
    assert [shard["verifier_key"] for shard in shards] == [str(key)]
    assert shards[0]["size"] == report.shards[0].signed.checkpoint.size


def test_files_are_the_same_under_both_addresses_with_their_cache_headers(
    house: House, caller: Caller, key: VerifierKey
) -> None:
    sequenced(house)
    year = key.name.rpartition("/")[2]
    short = caller("GET", "/v1/log/checkpoint")
    assert short.headers["content-type"] == "text/plain; charset=utf-8"
    assert short.headers["cache-control"] == "public, max-age=3"
    assert caller("GET", f"/v1/log/{year}/checkpoint").content == short.content
    size = open_checkpoint(short.content, key).checkpoint.size
    if not size:
        return
    tile = tile_holding(0, 0, size)
    for path in (tile.path, tile.entries_path):
        long = caller("GET", f"/v1/log/{year}/{path}")
        assert long.headers["content-type"] == "application/octet-stream"
        assert long.headers["cache-control"] == "public, max-age=31536000, immutable"
        same = caller("GET", f"/v1/log/{path}")
        assert same.content == long.content
        kept = int(same.headers["cache-control"].removeprefix("public, max-age=").removesuffix(", immutable"))
        assert legal_day(datetime.now(UTC) + timedelta(seconds=kept - 60)).year == int(year)
    entries = caller(
        "GET", f"/v1/log/{tile.entries_path.replace('tile/', '', 1)}", headers={"accept-encoding": "identity"}
    )
    assert "content-encoding" not in entries.headers
    assert len(split_bundle(entries.content, tile.width)) == tile.width
    packed = caller("GET", f"/v1/log/{tile.entries_path}", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == entries.content != gzip.compress(entries.content)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/999",
        "tile/0/0",
        "tile/64/000",
        "tile/entries/x",
        "entries/999",
        "1999/checkpoint",
        "2001/checkpoint",
        "2001/tile/0/000",
    ],
)
def test_what_is_not_there_is_a_problem_document(house: House, caller: Caller, path: str) -> None:
    sequenced(house)
    answer = caller("GET", f"/v1/log/{path}")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_cosignatures_of_strangers_are_refused(house: House, caller: Caller) -> None:
    sequenced(house)
    note = caller("GET", "/v1/log/checkpoint").content
    for content in (b"", note, b"\xff", b"x" * 200_000):
        answer = caller("POST", "/v1/log/cosignatures", content=content)
        assert answer.status_code in {413, 422}
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_metrics_tell_how_the_log_stands(house: House, caller: Caller) -> None:
    sequenced(house)
    lines = caller("GET", "/metrics").text.splitlines()
    assert "certvault_log_waiting 0.0" in lines
    assert "certvault_log_overdue_seconds 0.0" in lines
    assert "certvault_log_stopped 0.0" in lines
    assert any(line.startswith("certvault_log_size ") for line in lines)
