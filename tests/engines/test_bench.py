"""`certvault bench` as a program, tiny: every result is there and has its shape. No figure is asserted."""

import json
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from api.bench import run
from api.bench.figures import Budget, Counted, Result, Run, interleaved, side_by_side
from api.bench.report import as_json, as_markdown
from api.bench.requests import another_file, bench_kind, deposit_body, holder
from api.bench.stage import Stage
from signing.intake import admit_pdf
from tests.programs import certvault
from tests.signing.workshop import SAMPLES
from vault.errors import Unavailable
from vault.model.credit_code import SocialCreditCode

NAMES = ["deposit_typeset", "deposit_pdf", "seal_pdf", "seal_ofd", "typeset_ofd"]
NAMES += ["verify_code", "verify_timing", "verify_file", "holdings"]
NAMES += ["reuse_check_10k", "holdings_10k", "log_sequence"]
_NOWHERE = SimpleNamespace(database_url=SecretStr("postgresql://127.0.0.1:1/none"))
SHAPE = {
    "rate_per_s": float,
    "p50_ms": float,
    "p99_ms": float,
    "reference": str,
    "reference_rate_per_s": float,
    "ratio": float,
}


@pytest.mark.engines
@pytest.mark.nightly
def test_a_run_gives_every_result_with_its_reference() -> None:
    only = [word for name in NAMES for word in ("--only", name)]
    done = certvault("bench", "--seconds", "0.3", "--json", *only)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {"cpu", "cores", "memory_gib", "kernel", "python", "postgresql", "libraries", "date"} <= set(
        report["machine"]
    )
    assert [result["name"] for result in report["results"]] == NAMES
    for result in report["results"]:
        assert {key: type(result[key]) for key in SHAPE} == SHAPE
        assert result["count"] > 0
        assert 0 < result["p50_ms"] <= result["p99_ms"]
        assert result["ratio"] == pytest.approx(result["rate_per_s"] / result["reference_rate_per_s"])


def test_what_was_measured_is_published_whatever_comes_after(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def measured(_on: Stage, _seconds: float) -> Result:
        return Result("x", "", Run(1, 1.0, (0.1,)), "y", Run(1, 1.0))

    def failing(_on: Stage, _seconds: float) -> Result:
        raise Unavailable("The server under load does not answer.")

    def stopped(_on: Stage, _seconds: float) -> Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        run, "stage", lambda *_: nullcontext(SimpleNamespace(vault=SimpleNamespace(settings=_NOWHERE)))
    )
    monkeypatch.setattr(run, "machine", lambda *_: {})
    plan = {"failing": failing, "good": measured, "stopped": stopped, "never": measured}
    monkeypatch.setattr(run, "MEASUREMENTS", plan)
    published: list[run.Report] = []
    with pytest.raises(KeyboardInterrupt):
        run.run_bench(tmp_path, seconds=1, only=(), tell=lambda _: None, publish=published.append)
    (report,) = published
    assert [result.name for result in report.results] == ["x"]
    assert [(f.name, f.why) for f in report.failures] == [
        ("failing", "The server under load does not answer.")
    ]
    assert "not measured: The server under load" in as_markdown(report)
    assert as_json(report)["failures"] == [{"name": "failing", "why": report.failures[0].why}]


def test_an_unknown_measurement_is_told_before_anything_starts() -> None:
    done = certvault("bench", "--only", "speed")
    assert done.returncode == 2
    assert done.stderr.startswith("certvault: There is no measurement 'speed': expected deposit_typeset, ")


def test_percentiles_are_durations_that_were_measured() -> None:
    four = Run(4, 2.0, (0.004, 0.001, 0.003, 0.002))
    assert four.rate_per_s == 2.0
    assert four.percentile_ms(0.5) == 2.0
    assert four.percentile_ms(0.99) == 4.0
    assert side_by_side([four, Run(2, 4.0)]).rate_per_s == 1.5


def test_the_reference_surrounds_every_round() -> None:
    order: list[str] = []

    def noted(name: str, count: int) -> Run:
        order.append(name)
        return Run(count, 1.0)

    run, reference = interleaved(lambda _: noted("measured", 2), lambda _: noted("reference", 1), 3.0)
    assert order == ["reference", "measured"] * 3 + ["reference"]
    assert (run.count, run.elapsed_s, reference.count) == (6, 3.0, 4)


@pytest.mark.parametrize(
    ("counted", "at_least", "met"),
    [
        (Counted.RATE, 10.0, True),
        (Counted.RATE, 10.1, False),
        (Counted.RATIO, 2.0, True),
        (Counted.RATIO, 2.1, False),
    ],
)
def test_a_budget_is_about_the_rate_or_the_ratio(counted: Counted, at_least: float, *, met: bool) -> None:
    result = Result("x", "", Run(10, 1.0), "y", Run(5, 1.0), Budget(counted, at_least))
    assert result.met is met


@pytest.mark.parametrize(("at_most", "met"), [(20.0, True), (19.9, False)])
def test_a_budget_may_be_about_the_worst_of_a_hundred(at_most: float, *, met: bool) -> None:
    run = Run(100, 1.0, (*[0.001] * 98, 0.02, 0.5))
    result = Result("x", "", run, "y", Run(5, 1.0), Budget(Counted.P99, at_most=at_most))
    assert result.met is met


def test_the_invented_holders_have_valid_codes() -> None:
    assert len({SocialCreditCode(holder("B", n)["code"]).value for n in range(50)}) == 50


def test_two_cases_share_no_number() -> None:
    kind = bench_kind()
    first, second = (deposit_body(kind, holder("B", 1)) for _ in range(2))
    assert first["case"]["number"] != second["case"]["number"]
    assert first["results"][0]["number"] != second["results"][0]["number"]


def test_another_file_is_the_same_document_with_another_digest() -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"no folder of sample PDFs at {SAMPLES} (CERTVAULT_SAMPLES)")
    pdf = (SAMPLES / "cert-typst-pdfa2b.pdf").read_bytes()
    other = another_file(pdf)
    assert sha256(other).digest() != sha256(pdf).digest()
    assert admit_pdf(other) == admit_pdf(pdf)
