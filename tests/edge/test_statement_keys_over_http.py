"""The trust list over HTTP, and with it a deposit's QR checked by somebody who has nothing else."""

from datetime import UTC, datetime

import pytest

from signing.offline import OfflineVerdict, judge_offline
from signing.trust_list import read_trust_list
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.files import sealed_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_offline import qr_of
from tests.requests import example_request

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


def test_the_page_is_given_without_network_by_a_worker_of_its_own_origin(caller: Caller) -> None:
    answer = caller("GET", "/v-worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
