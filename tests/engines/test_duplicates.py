"""200 deposits over real HTTP, 30 % of them repeats, 8 at once: one certificate a case, no more."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.conftest import House
from tests.engines.test_serving import answering, free_port
from tests.programs import eventually, running
from tests.requests import example_request
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

DEPOSITS = 200
REPEATS = 60
AT_ONCE = 8


@pytest.fixture
def server(house: House, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client with a token of the suite's vault, served by two processes on one socket."""
    port = free_port()
    told = ("serve", "--port", str(port), "--processes", "2")
    with (
        running(*told, settings=house.settings.environment(), output=tmp_path / "serve.log"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        eventually(answering(port), "the server")
        credentials = (house.client.client_id, house.client_secret)
        answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=credentials)
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def with_repeats(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Half of the repeats right behind their first, so that both are under way together; half at the end."""
    sent: list[dict[str, Any]] = []
    late: list[dict[str, Any]] = []
    for n, case in enumerate(cases):
        sent.append(case)
        if n < REPEATS:
            (sent if n % 2 else late).append(case)
    random.shuffle(late)
    return sent + late


def test_200_deposits_with_duplicates_make_one_certificate_a_case(house: House, server: httpx.Client) -> None:
    cases = [example_request(house.catalogue) for _ in range(DEPOSITS - REPEATS)]
    sent = with_repeats(cases)
    assert len(sent) == DEPOSITS
    assert sum(first is second for first, second in pairwise(sent)) >= REPEATS // 2

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda case: server.post("/v1/deposits", json=case), sent))

    assert Counter(answer.status_code for answer in answers) == {201: len(cases), 200: REPEATS}
    by_case: dict[str, list[Any]] = {}
    for answer in answers:
        by_case.setdefault(answer.json()["case_number"], []).append(answer.json())
    assert by_case.keys() == {case["case"]["number"] for case in cases}
    assert all(answer == first for first, *others in by_case.values() for answer in others)
    assert certificates_of(house, list(by_case)) == {
        number: [first["receipts"][0]["certificate_id"]] for number, (first, *_) in by_case.items()
    }


def certificates_of(house: House, numbers: list[str]) -> dict[str, list[str]]:
    """The ids of the certificates that the database holds for these cases."""
    query = text(
        "SELECT cases.number, array_agg(certificates.id::text) AS ids FROM cases"
        " JOIN certificates ON certificates.case_id = cases.id"
        " WHERE cases.number = ANY(:numbers) GROUP BY cases.number"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return {row.number: row.ids for row in db.execute(query, {"numbers": numbers})}
