"""Deposits over HTTP, to the commit and the receipt."""

import hashlib
import json
import random
import secrets
from functools import partial
from math import ceil
from typing import Any

import psycopg

from api.bench.figures import Budget, Counted, Result, Run, interleaved
from api.bench.floor import bare
from api.bench.load import Heard, expect
from api.bench.requests import another_file, deposit_body, holder, post_json, put_upload
from api.bench.stage import AT_ONCE, Stage
from vault.errors import IntegrityError

# Issue 8: at least 100 typeset deposits a second on two cores, end to end over HTTP, and half of the floor.
DEPOSIT_TYPESET_BUDGET = Budget(Counted.RATE, 100.0)
DEPOSIT_FLOOR_BUDGET = Budget(Counted.RATIO, 0.5)
# Jobs are made before the clock starts; a stretch that uses them up ends early and is none the worse.
_DEPOSITS_PER_S_MAX = 200
_HOLDERS = 1000
_GROUP = "B"

DUPLICATES_REQUESTS = 200
DUPLICATES_SHARE = 0.3


def measure_deposit_typeset(on: Stage, seconds: float) -> Result:
    """Typeset, sealed B-T, judged, stored, read back, indexed, committed."""

    def stretch(seconds: float) -> Run:
        token = on.token()
        jobs = tuple((_deposit(on, token),) for _ in range(ceil(seconds * _DEPOSITS_PER_S_MAX)))
        return expect(on.apply(jobs, seconds=seconds), 201).run

    run, reference = interleaved(stretch, partial(on.floor, handed_in=False), seconds)
    return Result(
        "deposit_typeset",
        f"POST /v1/deposits, one typeset result, {AT_ONCE} at once",
        run,
        f"the floor: page, QR and seal alone on {len(on.cores)} cores",
        reference,
        DEPOSIT_TYPESET_BUDGET,
        more_budgets=(DEPOSIT_FLOOR_BUDGET,),
    )


def measure_deposit_pdf(on: Stage, seconds: float) -> Result:
    """The upload of a file that was never seen before, and the deposit that names it, timed together."""
    page = bare(on.vault.settings).page

    def stretch(seconds: float) -> Run:
        token = on.token()
        jobs = tuple(_upload_and_deposit(on, page, token) for _ in range(ceil(seconds * _DEPOSITS_PER_S_MAX)))
        return expect(on.apply(jobs, seconds=seconds), 201).run

    run, reference = interleaved(stretch, partial(on.floor, handed_in=True), seconds)
    return Result(
        "deposit_pdf",
        f"PUT /v1/uploads and POST /v1/deposits together, a PDF of {len(page)} bytes, {AT_ONCE} at once",
        run,
        f"the floor: gate, QR and seal alone on {len(on.cores)} cores",
        reference,
    )


def measure_duplicates(on: Stage, _seconds: float) -> Result:
    """200 deposits, 30 % of them sent before, 8 at once; what they made is counted afterwards.

    Raises:
        IntegrityError: there are more or fewer certificates than cases, or a repeat got another answer.
    """
    reference = _all_new(on)
    token = on.token()
    repeats = round(DUPLICATES_REQUESTS * DUPLICATES_SHARE)
    bodies = [_body(on) for _ in range(DUPLICATES_REQUESTS - repeats)]
    sent = bodies + random.sample(bodies, repeats)
    random.shuffle(sent)
    jobs = tuple((post_json(on.host, "/v1/deposits", body, token),) for body in sent)
    heard = expect(on.apply(jobs, keep=True), 200, 201)
    cases = [body["case"]["number"] for body in bodies]
    made = _certificates_of(on, cases)
    if made != len(bodies):
        raise IntegrityError(f"{len(bodies)} different cases made {made} certificates.")
    if heard.statuses.get(201) != len(bodies):
        raise IntegrityError(
            f"{len(bodies)} different cases were answered 201 {heard.statuses.get(201)} times."
        )
    _check_answers([body["case"]["number"] for body in sent], heard)
    return Result(
        "duplicates",
        f"{DUPLICATES_REQUESTS} deposits, {DUPLICATES_SHARE:.0%} of them repeats, {AT_ONCE} at once",
        heard.run,
        f"{DUPLICATES_REQUESTS} deposits without repeats",
        reference,
        note=f"{made} certificates from {len(bodies)} cases, every repeat answered like the first",
    )


def _all_new(on: Stage) -> Run:
    token = on.token()
    return expect(on.apply(tuple((_deposit(on, token),) for _ in range(DUPLICATES_REQUESTS))), 201).run


def _check_answers(cases: list[str], heard: Heard) -> None:
    answers: dict[str, object] = {}
    for job, case in enumerate(cases):
        answer = json.loads(heard.bodies[job])
        for receipt in answer["receipts"]:  # the worker may have given it its place in the log meanwhile
            receipt["log"] = receipt["log"]["promise"]
        if answers.setdefault(case, answer) != answer:
            raise IntegrityError(f"Case {case} was answered in two ways.")


def _certificates_of(on: Stage, cases: list[str]) -> int:
    query = "SELECT count(*) FROM certificates JOIN cases ON cases.id = case_id WHERE cases.number = ANY(%s)"
    with psycopg.connect(on.vault.settings.migrating_url) as connection:
        row = connection.execute(query, [cases]).fetchone()
    return 0 if row is None else int(row[0])


def _body(on: Stage, sha256: str | None = None) -> dict[str, Any]:
    return deposit_body(on.kind, holder(_GROUP, secrets.randbelow(_HOLDERS)), sha256)


def _deposit(on: Stage, token: str) -> bytes:
    return post_json(on.host, "/v1/deposits", _body(on), token)


def _upload_and_deposit(on: Stage, page: bytes, token: str) -> tuple[bytes, bytes]:
    file = another_file(page)
    body = _body(on, hashlib.sha256(file).hexdigest())
    return put_upload(on.host, file, token), post_json(on.host, "/v1/deposits", body, token)
