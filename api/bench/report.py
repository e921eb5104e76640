"""A run's report as a table for people, as Markdown for the documentation, as JSON for programs."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.bench.figures import Budget, Counted, Quantity, Result
from api.bench.run import Report

_MEDIAN, _WORST = 0.50, 0.99
_COLUMNS = ("name", "rate/s", "p50 ms", "p99 ms", "reference", "its rate/s", "ratio", "budget")
_NUMBERS = frozenset({"rate/s", "p50 ms", "p99 ms", "its rate/s", "ratio"})


def as_json(report: Report) -> dict[str, Any]:
    """`{"machine", "seconds", "results": [{"name", "rate_per_s", …}], "failures": [{"name", "why"}]}`."""
    return {
        "machine": dict(report.machine),
        "seconds": report.seconds,
        "results": [_result_json(result) for result in report.results],
        "failures": [{"name": failure.name, "why": failure.why} for failure in report.failures],
    }


def as_markdown(report: Report) -> str:
    """The machine, the table, and what each row timed, as `docs/performance.md` holds them."""
    lines = [f"* {name.replace('_', ' ')}: {_shown(value)}" for name, value in report.machine.items()]
    lines += ["", f"| {' | '.join(_COLUMNS)} |"]
    lines.append("|" + "|".join(" ---: " if column in _NUMBERS else " --- " for column in _COLUMNS) + "|")
    lines += [f"| {' | '.join(_cells(result))} |" for result in report.results]
    lines += ["", *(f"* `{r.name}`: {r.what}{f' ({r.note})' if r.note else ''}" for r in report.results)]
    lines += [f"* `{r.name}`: {_quantity(q)}" for r in report.results for q in r.quantities]
    lines += [f"* `{failure.name}`: not measured: {failure.why}" for failure in report.failures]
    return "\n".join(lines) + "\n"


def show(out: Console, report: Report) -> None:
    """The same for a terminal."""
    table = Table(title=f"certvault bench: {report.machine['cpu']}, {report.machine['cores']} cores")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    for result in report.results:
        style = {True: "green", False: "bold red", None: ""}[result.met]
        *cells, budget = _cells(result)
        table.add_row(*cells, f"[{style}]{budget}[/]" if style else budget)
    out.print(table)
    for result in report.results:
        out.print(f"  {result.name}: {result.what}{f'; {result.note}' if result.note else ''}")
        for quantity in result.quantities:
            out.print(f"    {_quantity(quantity)}")
    for failure in report.failures:
        out.print(f"  [bold red]{failure.name}[/]: not measured: {escape(failure.why)}")


def _cells(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        _figure(result.run.rate_per_s),
        _figure(result.run.percentile_ms(_MEDIAN)),
        _figure(result.run.percentile_ms(_WORST)),
        result.reference,
        _figure(result.reference_run.rate_per_s),
        _figure(result.ratio),
        _budget(result),
    )


def _budget(result: Result) -> str:
    return "; ".join(_one_budget(result, budget) for budget in result.budgets)


def _one_budget(result: Result, budget: Budget) -> str:
    verdict = "met" if result.meets(budget) else "MISSED"
    if budget.counted is Counted.P99:
        return f"{verdict}: p99 at most {budget.at_most:g} ms"
    unit = "/s" if budget.counted is Counted.RATE else " times"
    return f"{verdict}: at least {budget.at_least:g}{unit}"


def _quantity(quantity: Quantity) -> str:
    said = f"{quantity.what}: {quantity.value:,.4g} {quantity.unit}"
    if quantity.at_most is None:
        return said
    return f"{said} ({'met' if quantity.met else 'MISSED'}: at most {quantity.at_most:,g})"


def _figure(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:  # noqa: PLR2004 - decimal places
        return f"{value:,.0f}"
    return f"{value:#.3g}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return str(value)


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "rate_per_s": result.run.rate_per_s,
        "p50_ms": result.run.percentile_ms(_MEDIAN),
        "p99_ms": result.run.percentile_ms(_WORST),
        "reference": result.reference,
        "reference_rate_per_s": result.reference_run.rate_per_s,
        "ratio": result.ratio,
        "what": result.what,
        "count": result.run.count,
        "budget": None if result.budget is None else _budget_json(result, result.budget),
        "more_budgets": [_budget_json(result, budget) for budget in result.more_budgets],
        "quantities": [
            {
                "name": q.name,
                "what": q.what,
                "value": q.value,
                "unit": q.unit,
                "at_most": q.at_most,
                "met": q.met,
            }
            for q in result.quantities
        ],
        "series": [
            {"name": s.name, "unit": s.unit, "points": list(s.points), "marks": list(s.marks)}
            for s in result.series
        ],
        "note": result.note,
    }


def _budget_json(result: Result, budget: Budget) -> dict[str, Any]:
    bound = {"at_most": budget.at_most} if budget.counted is Counted.P99 else {"at_least": budget.at_least}
    return {"of": budget.counted.value, **bound, "met": result.meets(budget)}
