"""Plots and the page that they stand on."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from api.bench.figures import Quantity, Result, Run, Series
from api.bench.pictures import BEGIN, END, plots, put_into
from api.bench.plot import Axis, line_plot
from api.bench.reuse import GROWTH_MOST, with_growth
from api.bench.run import Report
from api.bench.watch import Watched
from vault.errors import NotFound

SVG = "{http://www.w3.org/2000/svg}"


def looked_up(name: str, median_s: float) -> Result:
    return Result(name, "", Run(3, 1.0, (median_s,) * 3), "", Run(1, 1.0, (1.0,)))


def test_a_plot_has_both_labels_a_line_for_each_series_and_its_marks() -> None:
    series = [
        Series("one", "/s", ((0.0, 0.0), (10.0, 250.0), (20.0, 240.0)), ((10.0, "kill -9 <now>"),)),
        Series("two", "/s", ((0.0, 10.0), (20.0, 20.0))),
    ]
    root = ET.fromstring(line_plot("Rows & rates", series, Axis("seconds"), Axis("rows a second")))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"Rows & rates", "seconds", "rows a second", "kill -9 <now>", "one", "two", "250", "20"} <= set(
        texts
    )
    lines = [line.get("points", "").split() for line in root.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [3, 2]
    heights = [float(point.split(",")[1]) for point in lines[0]]
    assert heights[1] < heights[2] < heights[0]
    assert "prefers-color-scheme: dark" in "".join(root.itertext())


def test_decades_are_equally_far_apart() -> None:
    series = [Series("p99", "ms", ((1e4, 5.0), (1e5, 5.0), (1e7, 6.0)))]
    root = ET.fromstring(line_plot("t", series, Axis("certificates", logarithmic=True), Axis("ms")))
    (line,) = root.iter(f"{SVG}polyline")
    first, second, third = (float(point.split(",")[0]) for point in line.get("points", "").split())
    assert third - second == pytest.approx(2 * (second - first), abs=0.2)


def test_the_growth_is_that_of_the_median_to_the_smallest_size() -> None:
    report = [looked_up("holdings_10k", 0.005), looked_up("holdings_10m", 0.0065), looked_up("x_10m", 1.0)]
    small, large, other = with_growth(report)
    assert (small.quantities, other.quantities) == ((), ())
    (growth,) = large.quantities
    assert growth.value == pytest.approx(1.3)
    assert (growth.at_most, growth.met, large.met) == (GROWTH_MOST, False, False)


def test_the_report_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"above\n{BEGIN}\nof yesterday\n{END}\nbelow\n", encoding="utf-8")
    results = (looked_up("holdings_10k", 0.005), looked_up("holdings_1m", 0.006))
    report = Report({"cpu": "x"}, 1.0, results)
    for _ in range(2):
        put_into(page, report)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"above\n{BEGIN}\n* cpu: x")
    assert text.endswith(f"{END}\nbelow\n")
    assert "of yesterday" not in text
    assert text.count("pictures/bench-sizes.svg") == 1
    assert (tmp_path / "pictures/bench-sizes.svg").read_text(encoding="utf-8") == plots(report)[
        "bench-sizes.svg"
    ]


@pytest.mark.parametrize("text", ["", BEGIN, f"{END} {BEGIN}"])
def test_a_page_without_a_place_for_it_is_left_alone(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(NotFound):
        put_into(page, Report({}, 1.0, ()))
    assert page.read_text(encoding="utf-8") == text


def test_rates_are_what_came_between_two_looks() -> None:
    seen = Watched(inserted=[(1.0, 0.0), (2.0, 100.0), (3.0, 300.0), (5.0, 300.0), (6.0, 700.0)])
    assert seen.rates(2.0) == ((3.0, 150.0), (5.0, 0.0))
    assert seen.rates(1.0)[-1] == (6.0, 400.0)


@pytest.mark.parametrize(("value", "met"), [(400.0, True), (400.1, False)])
def test_a_quantity_keeps_to_its_budget(value: float, *, met: bool) -> None:
    quantity = Quantity("memory_peak", "the largest process", value, "MB", 400.0)
    result = Result("x", "", Run(1, 1.0, (1.0,)), "", Run(1, 1.0), quantities=(quantity,))
    assert (quantity.met, result.met) == (met, met)
