"""What is asked most: verification by code and by file, and what holders have."""

from api.bench.figures import Budget, Counted, Result, Run, interleaved
from api.bench.judging import bare_server
from api.bench.load import Load, apply_load, expect
from api.bench.references import pgbench
from api.bench.requests import holder, post_file, post_json
from api.bench.stage import AT_ONCE, HELLO, SEED_GROUP, SEED_HOLDERS, Stage
from vault.errors import IntegrityError

# Issue 8: by code at least half of the hello route's rate, of our own file 0.7 of a bare route's.
VERIFY_CODE_BUDGET = Budget(Counted.RATIO, 0.5)
VERIFY_FILE_BUDGET = Budget(Counted.RATIO, 0.7)


def measure_verify_code(on: Stage, seconds: float) -> Result:
    """Number and code of certificates in force, one after another."""
    jobs = tuple(
        (
            post_json(
                on.host,
                "/v1/verifications",
                {"number": receipt["number"], "code": receipt["verification_code"]},
            ),
        )
        for receipt in on.seeded
    )
    _check_verdict(on, jobs[0])
    run, reference = interleaved(lambda s: _asked(on, jobs, s), on.hello, seconds)
    return Result(
        "verify_code",
        f"POST /v1/verifications with number and code, {AT_ONCE} at once",
        run,
        HELLO,
        reference,
        VERIFY_CODE_BUDGET,
    )


def measure_verify_file(on: Stage, seconds: float) -> Result:
    """A sealed file as the vault holds it."""
    file = on.document(on.seeded[0])
    jobs = ((post_file(on.host, "/v1/verifications", file),),)
    _check_verdict(on, jobs[0])
    with bare_server() as bare:
        hashed = ((post_file(bare, "/hash", file),),)
        run, reference = interleaved(
            lambda s: _asked(on, jobs, s), lambda s: _at(on, bare, hashed, s), seconds
        )
    return Result(
        "verify_file",
        f"POST /v1/verifications with a sealed file of {len(file)} bytes, {AT_ONCE} at once",
        run,
        f"a bare route, one process, that reads and hashes the same file, {AT_ONCE} at once",
        reference,
        VERIFY_FILE_BUDGET,
    )


def measure_holdings(on: Stage, seconds: float) -> Result:
    """What holders have, three certificates each; every look is audited in a commit of its own."""
    token = on.token()
    jobs = tuple(
        (
            post_json(
                on.host,
                "/v1/holdings",
                {
                    "holder": {key: holder(SEED_GROUP, n)[key] for key in ("code_type", "code")},
                    "purpose": "bench",
                },
                token,
            ),
        )
        for n in range(SEED_HOLDERS)
    )
    with pgbench(on.vault.settings.migrating_url, AT_ONCE) as point_reads:
        run, reference = interleaved(lambda s: _asked(on, jobs, s), point_reads, seconds)
    return Result(
        "holdings",
        f"POST /v1/holdings, three certificates a holder, {AT_ONCE} at once",
        run,
        f"pgbench -S -M prepared on the same PostgreSQL, {AT_ONCE} clients",
        reference,
    )


def _asked(on: Stage, jobs: tuple[tuple[bytes, ...], ...], seconds: float) -> Run:
    return expect(on.apply(jobs, seconds=seconds, again=True), 200).run


def _at(on: Stage, host: str, jobs: tuple[tuple[bytes, ...], ...], seconds: float) -> Run:
    """The same load on another server of this machine."""
    name, _, port = host.partition(":")
    load = Load(name, int(port), jobs, AT_ONCE, seconds=seconds, again=True)
    return expect(on.generator.submit(apply_load, load).result(), 200).run


def _check_verdict(on: Stage, job: tuple[bytes, ...]) -> None:
    """The question is one that the vault says yes to: a rate of refusals would be none."""
    heard = expect(on.apply((job,), keep=True), 200)
    if b'"genuine"' not in heard.bodies[0]:
        raise IntegrityError(f"A certificate in force is not found genuine: {heard.bodies[0][:500]!r}")
