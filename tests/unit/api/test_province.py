"""The invented province: valid, repeatable, nobody alive; its faults are the ones that it says."""

import csv
import json
import re
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from api.bench.province.faults import Fault
from api.bench.province.kinds import KINDS, write_catalogue
from api.bench.province.numbers import number_like
from api.bench.province.pages import Pages
from api.bench.province.people import COMPANIES_MAX, PEOPLE_MAX, company, person
from api.bench.province.register import Files, Manifest, Order, Written, write_register
from api.bench.province.stock import STOCK_ON, Kinds, block, in_force
from signing.intake import admit_pdf
from signing.typeset import SEAL_PLACES
from vault.catalogue import Catalogue, check_catalogue
from vault.catalogue.faces import check_face
from vault.catalogue.rules import check_holders, check_validity
from vault.errors import Conflict, InputError
from vault.model.certificate import Status
from vault.model.citizen_id import CitizenId
from vault.model.credit_code import SocialCreditCode
from vault.model.holders import Holder
from vault.model.lifecycle import Action

SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("province") / "catalogue"


@pytest.fixture(scope="module")
def catalogue(folder: Path) -> Catalogue:
    return write_catalogue(folder)


@pytest.fixture(scope="module")
def kinds(catalogue: Catalogue) -> Kinds:
    return Kinds.ranked(tuple(catalogue.types.values()))


def test_there_are_ninety_eight_kinds_and_each_is_sound(catalogue: Catalogue, folder: Path) -> None:
    assert len(catalogue.types) == KINDS == 98
    assert len({kind.name for kind in catalogue.types.values()}) == KINDS
    assert check_catalogue(folder, SEAL_PLACES) == ()


def test_every_certificate_fits_its_kind(kinds: Kinds) -> None:
    held = block(kinds, SEED, 3)
    for each in held[::3]:
        check_face(each.kind, each.fields)
        check_holders(each.kind, [Holder.parse(h.code_type, h.code, h.name) for h in each.holders])
        check_validity(each.kind, issued_on=each.issued_on, valid_from=each.issued_on, valid_to=each.valid_to)
        assert re.fullmatch(each.kind.number_pattern, each.number)
        assert each.kind.authority(each.authority.code) is not None
    assert len({(each.kind.code, each.number) for each in held}) == len(held)


def test_versions_follow_each_other_and_events_their_issue(kinds: Kinds) -> None:
    held = block(kinds, SEED, 0)
    superseded = {each.supersedes.serial for each in held if each.supersedes}
    for each in held:
        assert all(each.issued_on <= event.on <= STOCK_ON for event in each.events)
        assert (each.status is Status.SUPERSEDED) == (each.serial in superseded)
        if each.supersedes:
            assert each.supersedes.serial < each.serial
            assert (each.version, each.lineage) == (each.supersedes.version + 1, each.supersedes.lineage)
            assert each.holders == each.supersedes.holders
    actions = {event.action for each in held for event in each.events}
    assert actions >= {Action.SUPERSEDE, Action.CANCEL, Action.INSPECT}


def test_who_holds_what_has_a_heavy_tail(kinds: Kinds) -> None:
    held = [each for n in range(4) for each in block(kinds, SEED, n)]
    people = Counter(h.code for each in held for h in each.holders if h.code_type == "111")
    companies = Counter(h.code for each in held for h in each.holders if h.code_type == "001")
    assert sorted(people.values())[len(people) // 2] <= 2
    assert max(people.values()) >= 20
    assert max(companies.values()) >= 100
    assert {len(each.holders) for each in held} == {1, 2}
    assert len({each.kind.code for each in held}) == KINDS
    expired = sum(each.valid_to is not None and each.valid_to < STOCK_ON for each in held)
    assert 0.1 < expired / len(held) < 0.6


def test_a_seed_makes_the_same_and_another_another(kinds: Kinds) -> None:
    first, again = (list(in_force(kinds, SEED, most=500)) for _ in range(2))
    assert [replace(each, supersedes=None) for each in first] == [
        replace(each, supersedes=None) for each in again
    ]
    assert [each.number for each in first] != [each.number for each in in_force(kinds, SEED + 1, most=500)]
    assert all(each.status is Status.VALID for each in first)


@pytest.mark.parametrize("n", [0, 1, 999, 1000, 5_000_001, PEOPLE_MAX - 1])
def test_people_have_valid_numbers_of_nobody_alive(n: int) -> None:
    number = CitizenId(person(n).code)
    assert number.birth_date == person(n).birth
    assert number.birth_date < date(1910, 1, 1)
    assert person(n).gender == ("男" if int(number.value[16]) % 2 else "女")
    assert person(n ^ 1).gender != person(n).gender


@pytest.mark.parametrize("n", [0, 1, 12_345, COMPANIES_MAX - 1])
def test_companies_have_valid_codes_of_an_area_that_does_not_exist(n: int) -> None:
    assert SocialCreditCode(company(n).code).value[2:8] == "990100"


def test_nobody_is_there_twice() -> None:
    assert len({person(n).code for n in range(0, PEOPLE_MAX, 997)}) == len(range(0, PEOPLE_MAX, 997))
    assert len({company(n).code for n in range(0, COMPANIES_MAX, 9973)}) == len(range(0, COMPANIES_MAX, 9973))


@pytest.mark.parametrize(
    "pattern", ["^JY[1-3][0-9]{13}$", "^样建道许〔[0-9]{4}〕[0-9]{1,5}号$", "^(甲|乙)[A-D][0-9]{2}$"]
)
def test_numbers_stay_apart_where_the_pattern_has_no_room_left(pattern: str) -> None:
    serials = [*range(3_000), *range(99_990, 100_010), 23_000_000]
    numbers = {number_like(pattern, serial, 2024) for serial in serials}
    assert len(numbers) == len(serials)
    assert re.fullmatch(pattern, number_like(pattern, 7, 2024))


def test_each_page_passes_the_gate_and_is_one_of_its_kind(kinds: Kinds) -> None:
    pages = Pages.drawn(SEED)
    files = [pages.page(each) for each in in_force(kinds, SEED, most=24)]
    assert len(set(files)) == 24
    assert {admit_pdf(file).page_count for file in files} == {1}


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    target = tmp_path_factory.mktemp("register") / "province"
    order = Order(400, SEED, Manifest.CSV, Files.ZIP, 0.1)
    return target, write_register(target, order, lambda _: None)


def test_a_register_says_what_is_wrong_with_it(register: tuple[Path, Written]) -> None:
    target, written = register
    with (target / "register.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (target / "expected-rejections.csv").open(encoding="utf-8", newline="") as file:
        expected = {int(row["row"]): row for row in csv.DictReader(file)}
    summary = json.loads((target / "province.json").read_text(encoding="utf-8"))
    assert len(rows) == written.rows == summary["certificates"] == 400
    assert len(expected) == written.faults.total() == summary["expected_rejections"]
    assert {row["fault"] for row in expected.values()} == set(Fault)
    for number, row in enumerate(rows, start=2):
        fault = expected.get(number, {}).get("fault")
        assert (row["证照编号"] == "") == (fault == Fault.NO_NUMBER)
        assert (row["证照状态"] != "有效") == (fault == Fault.NOT_IN_FORCE)
    with zipfile.ZipFile(target / "files.zip") as files:
        missing = [n for n, row in enumerate(rows, start=2) if row["电子文件"] not in set(files.namelist())]
    assert missing == [n for n, row in expected.items() if row["fault"] == Fault.FILE_MISSING]


def test_the_same_order_writes_the_same_bytes(register: tuple[Path, Written], tmp_path: Path) -> None:
    target, written = register
    again = write_register(tmp_path / "again", Order(400, SEED, Manifest.CSV, Files.ZIP, 0.1), lambda _: None)
    assert again == written
    for name in ("register.csv", "mapping.json", "expected-rejections.csv", "files.zip", "province.json"):
        assert (tmp_path / "again" / name).read_bytes() == (target / name).read_bytes()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    with pytest.raises(Conflict):
        write_register(tmp_path, Order(1, SEED), lambda _: None)
    assert [each.name for each in tmp_path.iterdir()] == ["files"]


@pytest.mark.parametrize(
    "order",
    [
        Order(0, SEED),
        Order(10**7 + 1, SEED),
        Order(1, SEED, errors=0.6),
        Order(10**6 + 1, SEED, files=Files.ZIP),
    ],
)
def test_more_than_there_may_be_is_refused_before_anything_is_written(order: Order, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_register(tmp_path / "new", order, lambda _: None)
    assert not (tmp_path / "new").exists()
