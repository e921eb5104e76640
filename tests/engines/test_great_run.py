"""The great run, small: faults found, a kill survived, every figure there. No figure is asserted."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.programs import certvault

ROWS = 400
# Engines, two imports, fsck and five measurements: a minute of a quiet machine, many of a busy one.
PATIENCE_S = 390.0


@pytest.mark.nightly
@pytest.mark.engines
@pytest.mark.crash
def test_a_province_comes_in_whole_over_a_kill(tmp_path: Path) -> None:
    given = ("--certificates", str(ROWS), "--seed", "3", "--seconds", "0.3", "--json")
    done = certvault("bench", "province", "--data", str(tmp_path / "run"), *given, patience_s=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    names = ["province_import", "province_holdings", "province_reuse_check", "verify_code", "verify_file"]
    assert [result["name"] for result in report["results"]] == names
    imported = report["results"][0]
    rejected = json.loads((tmp_path / "run/register/province.json").read_text())["expected_rejections"]
    assert imported["count"] == ROWS - rejected
    assert {q["name"] for q in imported["quantities"]} >= {"memory_peak", "memory_growth", "database_bytes"}
    (rates, memory) = imported["series"]
    assert [words for _, words in rates["marks"]] == ["kill -9", "begun again"]
    assert memory["points"]
    log = (tmp_path / "run/run.log").read_text()
    assert "kill -9 after" in log
    assert (
        f"Rejected as expected: {rejected} of {rejected}; overlooked: []; rejected without a fault: []" in log
    )
    assert f"{ROWS - rejected} " in log or "fsck after" in log
    for plot in ("import-rate.svg", "import-memory.svg"):
        assert ET.parse(tmp_path / "run" / plot).getroot().tag.endswith("svg")
