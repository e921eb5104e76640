"""Verifying files: a genuine one beside reading and hashing it, and the judge alone beside pyHanko's."""

import hashlib
import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from time import perf_counter
from typing import Any

import uvicorn

from api.bench.figures import Budget, Counted, Result, Run, interleaved
from api.bench.load import Load, apply_load, expect
from api.bench.references import stock_validation
from api.bench.requests import deposit_body, holder, post_file, put_upload
from api.bench.requests import post_json as json_request
from api.bench.stage import LOOPBACK, Stage
from signing.trust import certificates_der
from signing.validate import Trust, judge_pdf
from vault.errors import IntegrityError, Unavailable

# Issue 5, "Done when": at most 1.5 times reading and hashing, so at least so many times its rate.
VERIFY_LARGE_BUDGET = Budget(Counted.RATIO, 1 / 1.5)
# A scan of a hundred pages: what is sent, read and hashed outweighs the look-up of a digest
LARGE_BYTES = 16 * 1024 * 1024
_GROUP = "J"
_STARTED_WITHIN_S = 10.0


def measure_verify_large(on: Stage, seconds: float) -> Result:
    """A genuine file over HTTP, and a bare route that hashes it: what both cost more than a bare upload.

    One request at a time and in turns, since what is compared are costs and not how processes share cores;
    of each the quickest, since the difference of three noisy figures would be noise.
    """
    file = _deposited(on, _large_pdf(LARGE_BYTES))
    heard = on.apply(((post_file(on.host, "/v1/verifications", file),),), keep=True)
    if b'"genuine"' not in expect(heard, 200).bodies[0]:
        raise IntegrityError(f"A certificate in force is not found genuine: {heard.bodies[0][:500]!r}")
    with bare_server() as bare:
        verify = _once(on.host, post_file(on.host, "/v1/verifications", file))
        upload, hashed = (_once(bare, post_file(bare, path, file)) for path in ("/upload", "/hash"))
        taken = [(upload(), verify(), hashed())]
        began = perf_counter()
        while perf_counter() - began < seconds:
            taken.append((upload(), verify(), hashed()))
    least = [min(durations) for durations in zip(*taken, strict=True)]
    run, reference = (
        _less(each, least[0], [row[n] for row in taken]) for n, each in ((1, least[1]), (2, least[2]))
    )
    return Result(
        "verify_large",
        f"POST /v1/verifications with a genuine file of {len(file)} bytes, less a bare upload, one at a time",
        run,
        "a bare route that reads and hashes the same file, less a bare upload",
        reference,
        VERIFY_LARGE_BUDGET,
        f"a bare upload takes {least[0] * 1000:.1f} ms; of {len(taken)} each the quickest",
    )


def measure_judge_pdf(on: Stage, seconds: float) -> Result:
    """Every rule of the judge on a sealed page, in process; pyHanko with its own strictest ways."""
    file = on.document(on.seeded[0])
    roots = certificates_der(on.vault.settings.trust.read_bytes())
    trust, at = Trust(roots), datetime.now(UTC)
    stock = stock_validation(roots)
    run, reference = interleaved(
        _again(lambda: judge_pdf(file, trust=trust, at=at)), _again(lambda: stock(file)), seconds
    )
    return Result(
        "judge_pdf",
        f"every rule of the judge on a sealed file of {len(file)} bytes, one core",
        run,
        "stock pyHanko validate_pdf_signature, same file and root",
        reference,
    )


def _less(taken_s: float, upload_s: float, durations_s: list[float]) -> Run:
    """Pieces that each take what was taken less an upload; never less than a microsecond."""
    return Run(len(durations_s), len(durations_s) * max(taken_s - upload_s, 1e-6), tuple(durations_s))


def _once(host: str, request: bytes) -> Callable[[], float]:
    name, _, port = host.partition(":")
    load = Load(name, int(port), ((request,),), 1)

    def take() -> float:
        return expect(apply_load(load), 200).run.durations_s[0]

    return take


def _again(work: Callable[[], object]) -> Callable[[float], Run]:
    work()  # the first one imports and caches

    def stretch(seconds: float) -> Run:
        durations_s = []
        began = perf_counter()
        while perf_counter() - began < seconds:
            started = perf_counter()
            work()
            durations_s.append(perf_counter() - started)
        return Run(len(durations_s), perf_counter() - began, tuple(durations_s))

    return stretch


def _deposited(on: Stage, pdf: bytes) -> bytes:
    token = on.token()
    body = deposit_body(on.kind, holder(_GROUP, 0), hashlib.sha256(pdf).hexdigest())
    job = (put_upload(on.host, pdf, token), json_request(on.host, "/v1/deposits", body, token))
    heard = expect(on.apply((job,), keep=True), 201)
    receipt: dict[str, Any] = json.loads(heard.bodies[0])["receipts"][0]
    return on.document(receipt)


def _large_pdf(size_bytes: int) -> bytes:
    """A page and a picture that is drawn nowhere, of random bytes."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</X 4 0 R>>>>>>",
        b"<</Type/XObject/Subtype/Image/Width %d/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray"
        b"/Length %d>>\nstream\n%b\nendstream" % (size_bytes, size_bytes, secrets.token_bytes(size_bytes)),
    )
    body = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    table = b""
    for number, held in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, held)
    start = len(body)
    body += b"xref\n0 5\n0000000000 65535 f \n" + table
    return bytes(body + b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)


@contextmanager
def bare_server() -> Iterator[str]:
    """Two routes on our web server, nothing else: `/upload` reads a body, `/hash` takes its SHA-256 too."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        config = uvicorn.Config(
            _bare,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
        )
        server = uvicorn.Server(config)
        running = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        running.start()
        began = perf_counter()
        while not server.started:
            if perf_counter() - began > _STARTED_WITHIN_S:
                raise Unavailable("The bare server does not start.")
        try:
            yield f"{LOOPBACK}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            running.join()


async def _bare(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    content = b"".join(parts)
    answer = hashlib.sha256(content).hexdigest().encode() if scope["path"] == "/hash" else b"-"
    if not content:
        raise IntegrityError("Nothing came to be read.")
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
