"""May the case close; and what `certvault reconcile` finds begun and not ended, or completed and absent."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.programs import COMMAND, PATIENCE_S, certvault, environment
from tests.requests import example_request
from vault.closing import ITEMS_LOOKED_BACK, missing_of_case, reconcile, unlisted_items
from vault.deposit import read_case
from vault.deposit.reserving import ReservedCase, release, reserve
from vault.errors import InputError
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


def reserved(house: House, request: dict[str, Any]) -> ReservedCase:
    now = datetime.now(UTC)
    case = read_case(house.catalogue.in_force, house.client, request, at=now)
    found = reserve(house.wired.workshop, case, at=now)
    assert isinstance(found, ReservedCase)
    return found


def missing(house: House, request: dict[str, Any]) -> tuple[str, ...]:
    return missing_of_case(house.wired.workshop, house.client, request["case"]["number"])


def test_a_case_that_was_begun_may_not_close_until_it_is_committed(house: House) -> None:
    request = example_request(house.catalogue, "食品经营许可证", "不动产权证书")
    assert missing(house, request) == ("no deposit received",)
    begun = reserved(house, request)
    assert missing(house, request) == tuple(
        f"certificate {r.identifier} is reserved, not issued yet" for r in begun.reservations
    )
    deposited(house, request)
    assert missing(house, request) == ()


def test_only_the_reservations_that_count_are_missing(house: House) -> None:
    request = example_request(house.catalogue)
    reserved(house, request)
    request["results"][0]["number"] += "-X"
    mended = reserved(house, request)
    assert len(missing(house, request)) == 1
    assert mended.reservations[0].identifier in missing(house, request)[0]
    deposited(house, request)
    assert missing(house, request) == ()


def test_a_case_of_materials_alone_may_not_close_before_its_deposit(house: House) -> None:
    request = example_request(house.catalogue)
    material = {"type": "CL9999", "name": "营业执照副本", "sha256": "0" * 64, "trust": "B", "valid_to": None}
    request["materials"] = [material | {"holders": request["results"][0]["holders"]}]
    request["results"] = []
    begun = reserved(house, request)
    try:
        assert missing(house, request) == ("the deposit was begun and not completed: send it again",)
    finally:
        release(house.wired.workshop, begun)


def test_another_clients_case_is_no_deposit_of_this_one(house: House) -> None:
    request = example_request(house.catalogue)
    deposited(house, request)
    found = reconcile(house.wired.workshop, None, [])
    assert found.absent == ()
    with house.wired.workshop.database.writing(VAULT) as db:
        db.execute(text("INSERT INTO clients VALUES ('other', 'Other', '{}', now()) ON CONFLICT DO NOTHING"))
    found = reconcile(house.wired.workshop, "other", [request["case"]["number"]])
    assert [a.missing for a in found.absent] == [("no deposit received",)]
    assert found.reserved == ()
    with pytest.raises(InputError, match="no client"):
        reconcile(house.wired.workshop, "nobody", [])


def test_reconcile_lists_both_kinds_and_says_so_by_its_status(house: House, tmp_path: Path) -> None:
    done, begun = example_request(house.catalogue), example_request(house.catalogue)
    deposited(house, done)
    reservation = reserved(house, begun)
    numbers = [done["case"]["number"], begun["case"]["number"], "样例-从未入库"]
    completed = tmp_path / "completed.txt"
    completed.write_text("\ufeff" + "\r\n".join([*numbers, "", numbers[0]]), encoding="utf-8")
    settings = house.settings.environment()
    try:
        listed = certvault("reconcile", str(completed), "--client", "suite", "--json", settings=settings)
        told = certvault("reconcile", settings=settings)
    finally:
        release(house.wired.workshop, reservation)
    assert (listed.returncode, told.returncode) == (1, 1), listed.stderr + told.stderr
    found = json.loads(listed.stdout)
    assert numbers[1] in [r["case_number"] for r in found["reserved_never_committed"]]
    assert [a["case_number"] for a in found["completed_certificate_absent"]] == numbers[1:]
    assert f"reserved, never committed: {numbers[1]} of suite" in told.stdout


def test_reconcile_from_standard_input_has_nothing_to_say_of_a_whole_case(house: House) -> None:
    request = example_request(house.catalogue)
    deposited(house, request)
    with house.owner.writing(VAULT) as db:
        db.execute(text("INSERT INTO clients VALUES ('quiet', 'Quiet', '{}', now()) ON CONFLICT DO NOTHING"))
        db.execute(
            text("UPDATE cases SET client_id = 'quiet' WHERE number = :n"), {"n": request["case"]["number"]}
        )
    done = subprocess.run(
        [*COMMAND, "reconcile", "-", "--client", "quiet"],
        input=request["case"]["number"].encode(),
        env=environment(house.settings.environment()),
        cwd="/",
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_reconcile_asks_whose_cases_these_are(house: House, tmp_path: Path) -> None:
    (tmp_path / "cases.txt").write_text("SL-1\n", encoding="utf-8")
    settings = house.settings.environment()
    assert certvault("reconcile", str(tmp_path / "cases.txt"), settings=settings).returncode == 2
    assert certvault("reconcile", "-", "--client", "nobody", settings=settings).returncode == 2


def test_service_items_that_the_catalogue_does_not_have_are_named(house: House) -> None:
    request = example_request(house.catalogue)
    request["case"]["service_item"] = "990100000131902"
    deposited(house, request)
    workshop, at = house.wired.workshop, datetime.now(UTC)
    named = {each.code: each.cases for each in unlisted_items(workshop, at=at)}
    assert named["990100000131902"] == 1
    assert not named.keys() & house.catalogue.items.keys()
    assert "990100000131902" not in {
        each.code for each in unlisted_items(workshop, at=at + ITEMS_LOOKED_BACK + timedelta(minutes=1))
    }
    told = certvault("reconcile", settings=house.settings.environment())
    assert "service item that the catalogue does not have: 990100000131902" in told.stdout
