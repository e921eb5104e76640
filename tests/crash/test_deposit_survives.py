"""The commit point holds: whatever kills a deposit, the same request makes exactly one certificate."""

import json
import signal
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from tests.conftest import House, behind_a_cutting_wire
from tests.faults import LyingStore
from tests.flows.ofd_cases import request_as
from tests.programs import dying
from tests.requests import example_request
from tests.trials import checked, cutting_after, together
from vault.deposit import Deposited, hand_in
from vault.download import document_for_client
from vault.errors import Unavailable
from vault.fsck import Weight
from vault.lookup import of_case
from vault.workshop import Workshop

pytestmark = [pytest.mark.engines, pytest.mark.crash]

STEPS = [
    "vault.deposit.flow:take_handed_in",
    "vault.deposit.flow:reserve",
    "vault.deposit.flow:make_page",
    "vault.deposit.flow:seal",
    "vault.deposit.flow:judge",
    "vault.deposit.flow:store",
    "vault.deposit.committing:redeem_case",
    "vault.deposit.committing:insert_certificates",
    "vault.deposit.committing:insert_leaves",
    "vault.deposit.committing:insert_look",
    "vault.deposit.committing:defer_job",
    "vault.deposit.flow:commit",
]


def _deposit(house: House, workshop: Workshop, request: dict[str, Any]) -> Deposited:
    return hand_in(workshop, house.client, request, at=datetime.now(UTC))


def _assert_whole(house: House, request: dict[str, Any], answered: Deposited) -> None:
    """Exactly one certificate a result, every answered receipt downloadable, nothing unexplained."""
    workshop = house.wired.workshop
    held = of_case(workshop, house.client, request["case"]["number"], at=datetime.now(UTC))
    assert held == answered.certificates
    assert [[d.format for d in one.documents] for one in held] == [r["formats"] for r in request["results"]]
    for certificate in held:
        for document in certificate.documents:
            file = document_for_client(
                workshop, house.client, certificate.certificate_id, document.format, at=datetime.now(UTC)
            )
            assert file.sha256 == document.sha256
            assert len(file.content) == document.size_bytes
    report = checked(house)
    assert report.problems == ()
    open_cases = {f.about for f in report.findings if f.weight is Weight.NOTE}
    assert request["case"]["number"] not in open_cases


@pytest.mark.parametrize("formats", [("pdf",), ("pdf", "ofd")], ids=" and ".join)
@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step_then_sent_again(house: House, step: str, formats: tuple[str, ...]) -> None:
    request = request_as(house, *formats)
    died = dying(
        "tests.crash.dying_deposit", step, settings=house.settings, given=json.dumps(request).encode()
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    answered = _deposit(house, house.wired.workshop, request)
    assert answered.repeated is (step == "vault.deposit.flow:commit")
    _assert_whole(house, request, answered)


def test_killed_twice_in_a_row(house: House) -> None:
    request = example_request(house.catalogue)
    for step in ("vault.deposit.flow:store", "vault.deposit.committing:insert_leaves"):
        dying("tests.crash.dying_deposit", step, settings=house.settings, given=json.dumps(request).encode())
    _assert_whole(house, request, _deposit(house, house.wired.workshop, request))


@pytest.mark.parametrize("formats", [("pdf",), ("pdf", "ofd"), ("ofd",)], ids=" and ".join)
def test_two_tries_at_once_make_one_certificate(house: House, formats: tuple[str, ...]) -> None:
    request = request_as(house, *formats)
    answers = together(*[partial(_deposit, house, house.wired.workshop, request)] * 4)
    assert [a.repeated for a in answers].count(False) == 1
    assert all(a.certificates == answers[0].certificates for a in answers)
    _assert_whole(house, request, answers[0])


def test_the_store_says_200_but_lost_it(house: House, store_that_lies: tuple[Workshop, LyingStore]) -> None:
    workshop, store = store_that_lies
    request = example_request(house.catalogue)
    store.lose_puts = 1
    with pytest.raises(Unavailable, match="did not keep"):
        _deposit(house, workshop, request)
    assert len(store.lost) == 1
    _assert_whole(house, request, _deposit(house, workshop, request))


@pytest.mark.parametrize("lost", ["the PDF", "the OFD", "both"])
def test_the_store_says_200_but_lost_one_of_two_files(
    house: House, store_that_lies: tuple[Workshop, LyingStore], lost: str
) -> None:
    workshop, store = store_that_lies
    request = request_as(house, "pdf", "ofd")
    store.puts_before, store.lose_puts = int(lost == "the OFD"), 2 if lost == "both" else 1
    with pytest.raises(Unavailable, match="did not keep"):
        _deposit(house, workshop, request)
    assert (store.puts_before, store.lose_puts) == (0, 0)
    _assert_whole(house, request, _deposit(house, workshop, request))


@pytest.mark.parametrize("formats", [("pdf",), ("pdf", "ofd")], ids=" and ".join)
@pytest.mark.parametrize("commit", ["reservation", "record"])
@pytest.mark.parametrize("how", ["before", "after"])
def test_a_commit_that_was_cut_off(house: House, how: str, commit: str, formats: tuple[str, ...]) -> None:
    request = request_as(house, *formats)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        if commit == "reservation":
            wire_.cut = how
            armed: AbstractContextManager[None] = nullcontext()
        else:  # the next COMMIT after the object was read back is the commit point
            armed = cutting_after(workshop.blobs, "document_parts", wire_, how)
        with armed, pytest.raises(Unavailable):
            _deposit(house, workshop, request)
        assert wire_.cuts == 1
        answered = _deposit(house, workshop, request)
    assert answered.repeated is (commit == "record" and how == "after")
    _assert_whole(house, request, answered)
