"""An export of the directories that is killed goes on: the same files, and every try is audited."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.settings import child_environment
from storage.tables import audit_events
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.requests import example_request
from vault.directories import Exported, Format, export_directories
from vault.model.scope import VAULT

pytestmark = [pytest.mark.engines, pytest.mark.crash]

CERTIFICATES = 16


def exported(house: House, target: Path) -> Exported:
    return export_directories(
        house.wired.workshop,
        target,
        Format.JSON_LINES,
        after=None,
        actor="operator:suite",
        at=datetime.now(UTC),
        progress=lambda _: None,
    )


def test_killed_twice_and_then_gone_on_with(house: House, tmp_path: Path) -> None:
    for _ in range(CERTIFICATES):
        deposited(house, example_request(house.catalogue))
    target = tmp_path / "made"
    for enough in (7, 13):
        died = subprocess.run(
            [sys.executable, "-m", "tests.crash.dying_export", str(target), str(enough)],
            env=child_environment(house.settings),
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert died.returncode == -signal.SIGKILL, died.stderr.decode()
        assert not target.exists()
    made, control = exported(house, target), exported(house, tmp_path / "control")
    for one, other in zip(made.files, control.files, strict=True):
        assert (one.rows, one.sha256) == (other.rows, other.sha256)
    tries = (
        select(audit_events.c.actor, audit_events.c.action, func.count())
        .where(audit_events.c.details["export"].astext == made.started_at)
        .group_by(audit_events.c.actor, audit_events.c.action)
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        assert {(row[0], row[1]): row[2] for row in db.execute(tries)} == {
            ("operator:dying", "directory-export-begun"): 2,
            ("operator:suite", "directory-export-begun"): 1,
            ("operator:suite", "directory-export"): 1,
        }
