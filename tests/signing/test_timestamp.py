"""Time-stamps: our tokens judged by openssl, and the HTTP client against an authority run by openssl."""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from signing import timestamp
from signing.timestamp import HttpTimeStampAuthority
from signing.trust import issue_timestamp_certificate
from signing.validate import judge_pdf
from tests.signing.answering import answering
from tests.signing.dripping import dripping
from tests.signing.workshop import NOW, PASSPHRASE, Workshop, tiny_pdf
from vault.errors import Unavailable
from vault.model.verdict import Indication

DIGEST = sha256(b"something").digest()
CONFIGURATION = """\
[ tsa ]
default_tsa = here
[ here ]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 2.999.1
digests = sha256
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def serving(answer: Callable[[bytes], tuple[int, bytes]]) -> AbstractContextManager[str]:
    """An HTTP server on a free port that answers every POST with what the function says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return answering(Handler)


@pytest.fixture(scope="module")
def openssl(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], bytes]:
    """A time-stamp authority by other hands: TimeStampReq in, TimeStampResp out."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no time-stamp authority by other hands")
    folder = tmp_path_factory.mktemp("tsa")
    issued = issue_timestamp_certificate(workshop.authority, PASSPHRASE, passphrase=PASSPHRASE, at=NOW)
    (folder / "tsa.key").write_bytes(issued.key_pem)
    (folder / "tsa.pem").write_bytes(issued.certificate_pem)
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))

    def reply(query: bytes) -> bytes:
        (folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"]
        subprocess.run(
            [*command, "-passin", f"pass:{PASSPHRASE.decode()}"], cwd=folder, check=True, capture_output=True
        )
        return (folder / "reply").read_bytes()

    return reply


def test_openssl_accepts_the_development_token(workshop: Workshop, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: nobody else judges the token")
    (tmp_path / "token").write_bytes(workshop.tsa.stamp(DIGEST, NOW))
    (tmp_path / "root.pem").write_bytes(workshop.authority.certificate_pem)
    command = ["openssl", "ts", "-verify", "-digest", DIGEST.hex(), "-in", "token", "-token_in"]
    done = subprocess.run(
        [*command, "-CAfile", "root.pem"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Verification: OK" in done.stdout + done.stderr


def test_the_room_kept_for_development_tokens_is_enough(workshop: Workshop) -> None:
    sizes = [len(workshop.tsa.stamp(DIGEST, datetime.now(UTC))) for _ in range(200)]
    assert max(sizes) <= workshop.tsa.token_room_bytes < max(sizes) + 40


def test_a_token_of_openssl_seals(workshop: Workshop, openssl: Callable[[bytes], bytes]) -> None:
    with serving(lambda query: (200, openssl(query))) as url:
        tsa = HttpTimeStampAuthority(url, timeout_s=20)
        # the authority stamps by the real clock, so these are sealed now and not at the session's start
        first = workshop.seal(tiny_pdf(), tsa=tsa, at=datetime.now(UTC))
        second = workshop.seal(tiny_pdf(), tsa=tsa, at=datetime.now(UTC))
    for sealed in (first, second):
        (report,) = judge_pdf(sealed.content, trust=workshop.trust, at=datetime.now(UTC))
        assert report.indication is Indication.TOTAL_PASSED, report
        assert report.proven_at is not None
    assert len(second.content) < len(first.content) - 8_000, "the room is that of the token seen before"


def test_a_token_longer_than_its_room_gets_a_larger_one(workshop: Workshop) -> None:
    class Cramped:
        token_room_bytes = 100

        def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
            return workshop.tsa.stamp(digest_sha256, at)

    sealed = workshop.seal(tiny_pdf(), tsa=Cramped())
    (report,) = judge_pdf(sealed.content, trust=workshop.trust, at=NOW)
    assert report.indication is Indication.TOTAL_PASSED


def test_a_replayed_answer_is_not_taken(openssl: Callable[[bytes], bytes]) -> None:
    kept: list[bytes] = []

    def replay(query: bytes) -> tuple[int, bytes]:
        kept.append(openssl(query))
        return 200, kept[0]

    with serving(replay) as url:
        tsa = HttpTimeStampAuthority(url, timeout_s=20)
        tsa.stamp(DIGEST, datetime.now(UTC))
        with pytest.raises(Unavailable, match="nonce"):
            tsa.stamp(DIGEST, datetime.now(UTC))
        with pytest.raises(Unavailable, match="another digest"):
            tsa.stamp(sha256(b"else").digest(), datetime.now(UTC))


def test_a_clock_far_from_ours_is_not_taken(openssl: Callable[[bytes], bytes]) -> None:
    with (
        serving(lambda query: (200, openssl(query))) as url,
        pytest.raises(Unavailable, match="clock"),
    ):
        HttpTimeStampAuthority(url, timeout_s=20).stamp(DIGEST, datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, bytes.fromhex("30053003020102"), "refused"),  # PKIStatus rejection
        (200, b"", "cannot be read"),
        (200, b"<html>", "cannot be read"),
        (200, b"\x30\x80\x00\x00", "cannot be read"),
        (200, bytes.fromhex("3007300302010030 00".replace(" ", "")), "cannot be read"),
        (200, bytes(timestamp.ANSWER_MAX_BYTES + 1), "over"),
        (500, b"", "does not answer"),
        (302, b"", "does not answer"),
    ],
)
def test_an_answer_that_is_none_is_unavailable(status: int, body: bytes, sentence: str) -> None:
    with serving(lambda _: (status, body)) as url, pytest.raises(Unavailable, match=sentence):
        HttpTimeStampAuthority(url, timeout_s=20).stamp(DIGEST, NOW)


def test_an_authority_that_drips_does_not_answer() -> None:
    with dripping() as url, pytest.raises(Unavailable, match="does not answer"):
        HttpTimeStampAuthority(url, timeout_s=0.5).stamp(DIGEST, NOW)


def test_nobody_at_the_address_is_unavailable() -> None:
    with serving(lambda _: (200, b"")) as url:
        pass
    with pytest.raises(Unavailable, match="does not answer"):
        HttpTimeStampAuthority(url, timeout_s=5).stamp(DIGEST, NOW)
