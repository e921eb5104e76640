"""Rows become certificates: typeset anew, attested or not, or kept as they were sealed."""

from pathlib import Path

import pytest

from storage.certificates import record
from storage.imports import outcomes_of
from tests.importing.conftest import imported
from tests.papers import new_pdf
from tests.registers import Register
from tests.trials import checked
from vault.importing import FilesKind, FilesPlace
from vault.model.certificate import CertificateRecord
from vault.model.imports import ImportRun, RowOutcome, RunState
from vault.model.origin import OriginKind
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


def outcomes(register: Register, run: ImportRun) -> list[RowOutcome]:
    with register.house.wired.workshop.database.reading(VAULT) as db:
        return list(outcomes_of(db, run.run_id))


def record_of(register: Register, outcome: RowOutcome) -> CertificateRecord:
    workshop = register.house.wired.workshop
    assert outcome.certificate_id is not None
    with workshop.database.reading(VAULT) as db:
        found = record(db, workshop.keys, outcome.certificate_id)
    assert found is not None
    return found


def test_rows_without_a_file_are_typeset_anew(register: Register, tmp_path: Path) -> None:
    register.add(3)
    run = imported(register, register.csv(tmp_path))
    assert (run.state, run.total, run.imported, run.rejected) == (RunState.DONE, 3, 3, 0)
    found = outcomes(register, run)
    assert [each.row for each in found] == [2, 3, 4]
    for row, each in zip(register.rows, found, strict=True):
        held = record_of(register, each)
        assert held.number == row["许可证编号"]
        assert held.origin.kind is OriginKind.TYPESET_ANEW
    assert checked(register.house).problems == ()


def test_scans_are_sealed_by_who_made_them(register: Register, tmp_path: Path) -> None:
    files = tmp_path / "scans"
    files.mkdir()
    for n, origin in enumerate(("扫描件已核对", "扫描件")):
        (files / f"{n}.pdf").write_bytes(new_pdf())
        register.add(文件=f"{n}.pdf", 来源=origin, 核对人="核样", 核对日期="2025-06-01")
    run = imported(register, register.csv(tmp_path), FilesPlace(FilesKind.FOLDER, str(files)))
    assert outcomes(register, run)[0].reason == ""
    assert run.imported == 2
    attested, unverified = (record_of(register, each) for each in outcomes(register, run))
    assert attested.origin.kind is OriginKind.SCAN_ATTESTED
    assert attested.origin.digitised is not None
    assert attested.origin.digitised.officer == "核样"
    assert unverified.origin.kind is OriginKind.SCAN_UNVERIFIED
    assert unverified.origin.digitised is not None
    assert unverified.origin.digitised.officer is None
    assert checked(register.house).problems == ()
