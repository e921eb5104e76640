"""Tries at once: with the same contents, with others, and for the same predecessor."""

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from signing.keys import SignatureAlgorithm
from storage.cases import find_case
from storage.seals import stop_seal
from tests.conftest import House
from tests.custodians import two_custodians
from tests.flows.test_deposit import deposited, uploaded_pdf
from tests.requests import example_request, kind_named
from tests.trials import checked, together
from vault.custody import grant_what_is_missing
from vault.deposit import Deposited, flow, storing
from vault.deposit.storing import StoredFiles
from vault.errors import Conflict, Unavailable, VaultError
from vault.founding import SecretsFolder, make_development_seal
from vault.lookup import of_case
from vault.model.scope import VAULT

pytestmark = [pytest.mark.engines, pytest.mark.crash]

ROUNDS = 5


def at_once(house: House, requests: Sequence[dict[str, Any]]) -> list[Deposited | VaultError]:
    """What each of these requests gets when all are sent at the same moment."""

    def one(request: dict[str, Any]) -> Deposited | VaultError:
        try:
            return deposited(house, request)
        except (Conflict, Unavailable) as error:
            return error

    return together(*(partial(one, request) for request in requests))


def settled(house: House, request: dict[str, Any]) -> Deposited | Conflict:
    """What a client gets that sends again as long as it is told to."""
    for _ in range(20):
        try:
            return deposited(house, request)
        except Unavailable:
            continue
        except Conflict as error:
            return error
    raise AssertionError("never settled")


def _with_number(request: dict[str, Any], mark: str) -> dict[str, Any]:
    changed = copy.deepcopy(request)
    changed["results"][0]["number"] += mark
    return changed


def _with_material(house: House, request: dict[str, Any], mark: str) -> dict[str, Any]:
    changed = copy.deepcopy(request)
    changed["results"] = []
    digest = uploaded_pdf(house, request["case"]["number"] + mark)
    holders = request["results"][0]["holders"]
    changed["materials"] = [
        {
            "type": "CL9999",
            "name": "材料",
            "sha256": digest,
            "trust": "C",
            "holders": holders,
            "valid_to": None,
        }
    ]
    return changed


@pytest.mark.parametrize("kind", ["results", "materials"])
def test_other_contents_at_once_keep_exactly_one_of_them(house: House, kind: str) -> None:
    for _ in range(ROUNDS):
        base = example_request(house.catalogue)
        contents = [
            _with_number(base, mark) if kind == "results" else _with_material(house, base, mark)
            for mark in ("-A", "-B", "-C")
        ]
        requests = [contents[0], contents[1], contents[0], contents[2]]
        answers = at_once(house, requests)
        settled_answers = [settled(house, request) for request in requests]
        winners = {n for n, answer in enumerate(settled_answers) if isinstance(answer, Deposited)}
        assert winners in ({0, 2}, {1}, {3})
        for n, answer in enumerate(answers):
            if isinstance(answer, Deposited):
                assert n in winners
        held = of_case(house.wired.workshop, house.client, base["case"]["number"], at=datetime.now(UTC))
        assert len(held) == (1 if kind == "results" else 0)
    assert checked(house).problems == ()


def test_a_race_for_one_predecessor_has_one_winner_who_can_be_superseded_in_turn(house: House) -> None:
    for _ in range(ROUNDS):
        (old,) = deposited(house, example_request(house.catalogue)).certificates
        requests = [example_request(house.catalogue) for _ in range(3)]
        for request in requests:
            request["results"][0]["supersedes"] = str(old.certificate_id)
        at_once(house, requests)
        answers = [settled(house, request) for request in requests]
        winners = [answer for answer in answers if isinstance(answer, Deposited)]
        assert len(winners) == 1
        renewal = example_request(house.catalogue)
        renewal["results"][0]["supersedes"] = str(winners[0].certificates[0].certificate_id)
        (newest,) = deposited(house, renewal).certificates
        assert newest.version > winners[0].certificates[0].version > old.version
    assert checked(house).problems == ()


def test_a_conflict_at_the_commit_is_forgotten_and_stays_a_conflict(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rival supersedes the predecessor after this try has stored its object."""
    workshop = house.wired.workshop
    (old,) = deposited(house, example_request(house.catalogue)).certificates
    late, rival = example_request(house.catalogue), example_request(house.catalogue)
    for request in (late, rival):
        request["results"][0]["supersedes"] = str(old.certificate_id)
    store = storing.store

    def store_then_lose(*arguments: Any, **named: Any) -> StoredFiles:  # noqa: ANN401 - whatever the flow gives
        stored = store(*arguments, **named)
        monkeypatch.setattr(flow, "store", store)
        assert deposited(house, rival).repeated is False
        return stored

    monkeypatch.setattr(flow, "store", store_then_lose)
    with pytest.raises(Conflict, match="changed meanwhile"):
        deposited(house, late)
    with workshop.database.reading(VAULT) as db:
        case = find_case(db, workshop.keys, house.client.client_id, late["case"]["number"])
    assert case is not None
    assert case.envelope == {}
    objects = sum(1 for _ in workshop.blobs.documents())
    for _ in range(3):
        assert isinstance(settled(house, late), Conflict)
    assert sum(1 for _ in workshop.blobs.documents()) == objects
    assert checked(house).problems == ()


def test_a_committed_case_is_answered_after_its_seal_was_stopped(house: House) -> None:
    workshop = house.wired.workshop
    kind = kind_named(house.catalogue, "取水许可证")
    authority = kind.example["issuing_authority"]
    request = example_request(house.catalogue, kind.name)
    first = deposited(house, request)
    seal_id = str(first.certificates[0].documents[0].seal_id)
    with workshop.database.writing(VAULT) as db:
        stop_seal(db, seal_id, datetime.now(UTC))
    try:
        assert deposited(house, request).certificates == first.certificates
        with pytest.raises(Unavailable, match="no seal in use"):
            deposited(house, example_request(house.catalogue, kind.name))
    finally:
        found = kind.authority(authority)
        assert found is not None
        make_development_seal(
            workshop.database,
            SecretsFolder(house.settings.secrets),
            authority=authority,
            authority_name=found.name,
            algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
            centre=None,
            at=datetime.now(UTC),
        )
        grant_what_is_missing(workshop, house.client.client_id, two_custodians, at=datetime.now(UTC))
