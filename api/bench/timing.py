"""Whether the time of an answer tells a stranger anything: hits and misses in turns, one at a time."""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from api.bench.comparison import compare
from api.bench.figures import Result, Run
from api.bench.load import expect
from api.bench.requests import post_json
from api.bench.stage import Stage
from vault.errors import IntegrityError

# Questions of one load: kinds are drawn anew for each, so that whatever slows the machine slows all alike.
QUESTIONS = 3_000
# The first answers of a connection come out of cold caches.
WARM_UP = 10
# The approximations of the tests hold from here on; a run that is too short goes on until it has them.
OF_EACH_MIN = 20
_STRETCH_MIN_S = 0.3
_DIGITS = "0123456789"
_CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class Kind(StrEnum):
    """What a question comes to: half of all are hits, a quarter each misses of two kinds."""

    HIT = "hit"
    WRONG_CODE = "wrong_code"
    NO_SUCH_NUMBER = "no_such_number"


_DRAWN = (Kind.HIT, Kind.HIT, Kind.WRONG_CODE, Kind.NO_SUCH_NUMBER)


def measure_verify_timing(on: Stage, seconds: float) -> Result:
    """Verification by number and code: hits beside misses, and wrong codes beside numbers that nobody has."""
    taken: dict[Kind, list[float]] = {kind: [] for kind in Kind}
    _check_verdicts(on)
    spent_s = 0.0
    while spent_s < seconds or min(map(len, taken.values())) < OF_EACH_MIN:
        kinds = [secrets.choice(_DRAWN) for _ in range(QUESTIONS)]
        jobs = tuple((_question(on, secrets.choice(on.seeded), kind),) for kind in kinds)
        run = expect(on.apply(jobs, seconds=max(_STRETCH_MIN_S, seconds - spent_s), at_once=1), 200).run
        spent_s += run.elapsed_s
        for kind, duration_s in list(zip(kinds, run.durations_s, strict=False))[WARM_UP:]:
            taken[kind].append(duration_s)
    hits, wrong, strange = (taken[kind] for kind in Kind)
    return Result(
        "verify_timing",
        "POST /v1/verifications by number and code that hit, one at a time, drawn in turns with misses",
        _run(hits),
        "the same that miss: a wrong code, or a number that nobody has",
        _run(wrong + strange),
        note=f"hit or miss: {compare(hits, wrong + strange)}; wrong code or no such number:"
        f" {compare(wrong, strange)}; {len(hits)} hits, {len(wrong)} and {len(strange)} misses",
    )


def _run(durations_s: list[float]) -> Run:
    return Run(len(durations_s), sum(durations_s), tuple(durations_s))


def _question(on: Stage, receipt: Mapping[str, Any], kind: Kind) -> bytes:
    number, code = str(receipt["number"]), str(receipt["verification_code"])
    if kind is Kind.WRONG_CODE:
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in code)
    elif kind is Kind.NO_SUCH_NUMBER:
        number = "".join(secrets.choice(_DIGITS) if letter in _DIGITS else letter for letter in number)
    return post_json(on.host, "/v1/verifications", {"number": number, "code": code})


def _check_verdicts(on: Stage) -> None:
    """Each kind of question is answered as its kind: a comparison of equals would prove nothing."""
    jobs = tuple((_question(on, on.seeded[0], kind),) for kind in Kind)
    bodies = expect(on.apply(jobs, keep=True, at_once=1), 200).bodies
    verdicts = [b'"genuine"', b'"unrecognised"', b'"unrecognised"']
    for n, verdict in enumerate(verdicts):
        if verdict not in bodies[n]:
            raise IntegrityError(f"Expected the verdict {verdict.decode()}, got {bodies[n][:300]!r}.")
