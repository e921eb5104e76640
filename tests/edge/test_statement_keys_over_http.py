"""The trust list over HTTP, and with it a deposit's QR checked by somebody who has nothing else."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.app import create_app
from api.wiring import reader_of
from signing.offline import OfflineVerdict, judge_offline
from signing.trust_list import read_trust_list
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.files import sealed_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_offline import qr_of
from tests.requests import example_request
from vault.statement_ring import StatementRing

pytestmark = pytest.mark.engines


def test_the_list_checks_a_code_without_the_vault(house: House, caller: Caller) -> None:
    answer = caller("GET", "/v1/statement-keys")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    listed = read_trust_list(answer.content, log_key=house.wired.workshop.log_key.public)
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    sealed = sealed_bytes(house, certificate)
    report = judge_offline(qr_of(sealed), listed, at=datetime.now(UTC), document=sealed)
    assert report.verdict is OfflineVerdict.GENUINE


def test_a_key_file_that_cannot_be_read_is_no_fault_of_who_asks(
    house: House, loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    (tmp_path / "20260101T000000Z.key.pem").mkdir()
    workshop = replace(house.wired.workshop, statements=StatementRing(tmp_path, b""))
    reader = reader_of(house.settings, workshop.keys)
    answer = Caller(create_app(workshop, reader, house.wired.edge), loop)("GET", "/v1/statement-keys")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text


def test_the_page_is_given_without_network_by_a_worker_of_its_own_origin(caller: Caller) -> None:
    answer = caller("GET", "/v-worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
