"""A run's report with its plots, put into the documentation between two marks."""

from pathlib import Path
from typing import Final

from api.bench.plot import Axis, line_plot
from api.bench.report import as_markdown
from api.bench.reuse import sizes_of
from api.bench.run import Report
from vault.errors import NotFound

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
PICTURES: Final = "pictures"


def plots(report: Report) -> dict[str, str]:
    """SVGs by file name: each measurement's figures over time, and look-ups by the size of the vault."""
    drawn = {}
    seconds = Axis("seconds since its beginning")
    for result in report.results:
        for series in result.series:
            name = f"bench-{result.name}-{series.unit.strip('/').lower()}.svg".replace("_", "-")
            drawn[name] = line_plot(f"{result.name}: {series.name}", [series], seconds, Axis(series.unit))
    if sizes := sizes_of(report.results):
        size = Axis("certificates in the vault", logarithmic=True)
        drawn["bench-sizes.svg"] = line_plot("Look-ups by the size of the vault", sizes, size, Axis("ms"))
    return drawn


def put_into(page: Path, report: Report) -> None:
    """Replaces what stands between the marks of a Markdown page, and writes the plots beside it.

    Raises:
        NotFound: the page is not there, or has no marks.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"{page} is not readable: {error.strerror}.") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise NotFound(f"{page} has no place for the report: expected a line {BEGIN} and a line {END}.")
    folder = page.parent / PICTURES
    folder.mkdir(exist_ok=True)
    shown = []
    for name, svg in plots(report).items():
        (folder / name).write_text(svg, encoding="utf-8")
        shown.append(f"![{name.removesuffix('.svg').replace('-', ' ')}]({PICTURES}/{name})\n")
    parts = [before, begin, "\n", as_markdown(report), *(f"\n{line}" for line in shown), end, after]
    page.write_text("".join(parts), encoding="utf-8")
