"""The clerk's desk on the engines: one sheet a clerk, tries at once, and commits that fail or seem to."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from signing.drawing import page_webp
from storage.db import Database, WriteConnection
from storage.tables import audit_events, desks, material_events, uses
from tests.conftest import House, behind_a_cutting_wire
from tests.faults import CuttingWire
from tests.flows.test_reuse import (
    CONSTRUCTION,
    ESCROW,
    PRESALE,
    given,
    new_company,
    new_person,
    statements,
    with_material,
)
from tests.papers import new_pdf
from tests.requests import new_case_number
from tests.trials import now, together
from vault import desk, sessions
from vault.desk.reading import read_case
from vault.errors import Conflict, InputError, NotFound, NotPermitted, Unavailable
from vault.lookup import holdings
from vault.model.actors import COUNTER_PREFIX, Assurance, Introduced, Person, Role
from vault.model.desk import CaseState, DeskCase, DeskHolder, Turn
from vault.model.holders import HolderCode
from vault.model.legal_time import day_ends, legal_day
from vault.model.scope import VAULT, Scope, of_person
from vault.model.service_item import HolderRole
from vault.model.use import Subject, SubjectKind
from vault.signin import add_client
from vault.workshop import Workshop

pytestmark = pytest.mark.engines


def clerk_of(house: House, *, office: str | None = None, role: Role = Role.CLERK) -> Person:
    """A clerk who signed in, of the authority that handles the presale permit."""
    authority = office or house.catalogue.items[PRESALE].authority.code
    who = Introduced(
        "https://id.example",
        secrets.token_hex(8),
        "文样窗",
        frozenset({role}),
        authority,
        None,
        Assurance.HIGH,
    )
    workshop = house.wired.workshop
    token = sessions.enter(workshop, who, "local", before=None, at=now())
    return sessions.signed_in(workshop, token, at=now())


@contextmanager
def cut_at_commit(workshop: Workshop, wire_: CuttingWire, number: int, how: str) -> Iterator[None]:
    """The writing transaction with this number, from 1, loses its COMMIT, or its answer."""
    count, real = 0, type(workshop.database).writing

    @contextmanager
    def counted(self: Database, scope: Scope) -> Iterator[WriteConnection]:
        nonlocal count
        with real(self, scope) as db:
            yield db
            count += 1
            if count == number:
                wire_.cut = how

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(workshop.database), "writing", counted)
        yield
    assert wire_.cuts == 1, f"there were {count} transactions"


@pytest.fixture
def clerk(house: House) -> Person:
    return clerk_of(house)


@pytest.fixture
def company(house: House) -> dict[str, str]:
    found = new_company()
    given(house, CONSTRUCTION, found)
    return found


def form(company: dict[str, str], **changes: object) -> desk.CaseForm:
    values: dict[str, object] = {
        "place": None,
        "number": new_case_number(),
        "item": PRESALE,
        "code_type": "",
        "holders": {HolderRole.APPLICANT: company["code"]},
        "purpose": "",
        "needed_until": "",
        **changes,
    }
    return desk.CaseForm(**values)  # type: ignore[arg-type]  # each test names the fields it changes


def at_hand(house: House, clerk: Person, company: dict[str, str], **changes: object) -> DeskCase:
    sheet = desk.fill_in(house.wired.workshop, clerk, form(company, **changes), at=now())
    case = sheet.case_at_hand
    assert case is not None
    return case


def thing_of(house: House, company: dict[str, str]) -> Subject:
    code = HolderCode.parse(company["code_type"], company["code"])
    found = holdings(
        house.wired.workshop,
        house.client,
        code,
        purpose="核对",
        service_item=None,
        case_number=None,
        at=now(),
    )
    return Subject(SubjectKind.CERTIFICATE, found.certificates[0].certificate_id)


def count_of_uses(house: House, subject: Subject) -> int:
    with house.wired.workshop.database.reading(VAULT) as db:
        return len(db.execute(select(uses.c.id).where(uses.c.certificate_id == subject.id)).all())


def test_a_check_and_what_it_shows(house: House, clerk: Person, company: dict[str, str]) -> None:
    case = at_hand(house, clerk, company)
    assert case.purpose == "办理商品房预售许可"
    held = desk.look(house.wired.workshop, clerk, case, at=now())
    lines = {line["requirement"]: line for line in held.answer["lines"]}
    assert lines["construction"]["state"] == "held"
    assert lines["construction"]["why_zh"].endswith("现行有效。")
    assert lines["escrow"]["why_zh"].endswith("请申请人提交《预售资金监管协议》。")


def test_a_sheet_costs_the_same_however_long_it_is(
    house: House, clerk: Person, company: dict[str, str]
) -> None:
    case, workshop = at_hand(house, clerk, company), house.wired.workshop
    with statements() as short:
        desk.sheet_at(workshop, clerk, at=now())
        desk.look(workshop, clerk, case, at=now())
    desk.take_in(workshop, clerk, [f"X-{n}" for n in range(150)], at=now())
    with statements() as long:
        desk.sheet_at(workshop, clerk, at=now())
        desk.look(workshop, clerk, case, at=now())
    assert len(long) == len(short)
    with pytest.raises(desk.Slips) as refused:
        desk.take_in(workshop, clerk, [f"Y-{n}" for n in range(100)], at=now())
    assert [slip.kind for slip in refused.value.slips] == ["too_many"]
    assert len(desk.sheet_at(workshop, clerk, at=now()).cases) == 151


def test_two_windows_of_one_clerk_lose_nothing(house: House, clerk: Person) -> None:
    workshop = house.wired.workshop
    numbers = [f"W-{secrets.token_hex(4)}" for _ in range(6)]
    together(*(lambda n=n: desk.take_in(workshop, clerk, [n], at=now()) for n in numbers))
    found = {each.number for each in desk.sheet_at(workshop, clerk, at=now()).cases}
    assert found == set(numbers)


def test_a_sheet_is_its_clerks_own(house: House, clerk: Person, company: dict[str, str]) -> None:
    workshop, case = house.wired.workshop, at_hand(house, clerk, company)
    other = clerk_of(house)
    assert desk.sheet_at(workshop, other, at=now()).cases == ()
    subject = thing_of(house, company)
    for attempt in (
        lambda: desk.use_held(workshop, other, case.place, subject, copy=False, at=now()),
        lambda: desk.page_picture(workshop, other, case.place, subject, at=now(), draw_with=page_webp),
        lambda: desk.take_back(workshop, other, case.place, uuid4(), at=now()),
    ):
        with pytest.raises(NotFound):
            attempt()
    with workshop.database.reading(of_person(other)) as db:
        assert db.execute(select(desks).where(desks.c.id == clerk.person_id)).all() == []
    with pytest.raises(NotPermitted):
        desk.sheet_at(workshop, clerk_of(house, role=Role.ISSUER), at=now())


def test_a_sheet_ends_with_the_day_in_china(house: House, clerk: Person) -> None:
    workshop, at = house.wired.workshop, now()
    desk.take_in(workshop, clerk, ["E-1"], at=at)
    tomorrow = day_ends(legal_day(at))
    assert len(desk.sheet_at(workshop, clerk, at=tomorrow - timedelta(seconds=1)).cases) == 1
    assert desk.sheet_at(workshop, clerk, at=tomorrow).cases == ()
    assert [c.number for c in desk.take_in(workshop, clerk, ["E-2"], at=tomorrow).cases] == ["E-2"]
    assert desk.sheet_at(workshop, clerk, at=tomorrow).case_at_hand is not None
    desk.forget_yesterday(workshop, at=tomorrow + timedelta(days=1))
    with workshop.database.reading(VAULT) as db:
        assert db.execute(select(desks.c.id).where(desks.c.id == clerk.person_id)).all() == []


def test_many_clicks_at_once_are_one_use(house: House, clerk: Person, company: dict[str, str]) -> None:
    workshop, case, subject = house.wired.workshop, at_hand(house, clerk, company), thing_of(house, company)

    def press() -> object:
        return desk.use_held(workshop, clerk, case.place, subject, copy=True, at=now()).use.use_id

    assert len(set(together(*[press] * 4))) == 1
    assert count_of_uses(house, subject) == 1
    noted = desk.sheet_at(workshop, clerk, at=now()).case(case.place)
    assert noted is not None
    assert len(noted.uses) == 1


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("commit", [1, 2])
def test_a_use_whose_commit_was_cut_off_is_pressed_again(
    house: House, clerk: Person, company: dict[str, str], how: str, commit: int
) -> None:
    """Failed, and failed but happened: of the use, and of the sheet that notes it."""
    case, subject = at_hand(house, clerk, company), thing_of(house, company)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        with cut_at_commit(workshop, wire_, commit, how), suppress(Unavailable):
            desk.use_held(workshop, clerk, case.place, subject, copy=False, at=now())
        made = desk.use_held(workshop, clerk, case.place, subject, copy=False, at=now())
    assert count_of_uses(house, subject) == 1
    noted = desk.sheet_at(house.wired.workshop, clerk, at=now()).case(case.place)
    assert noted is not None
    assert noted.uses == (made.use.use_id,)


def paper(content: bytes, **changes: object) -> desk.PaperForm:
    values: dict[str, object] = {
        "kind": ESCROW,
        "holder": "0",
        "holder_name": "样例有限公司",
        "issued_on": legal_day(now()).isoformat(),
        "valid_to": "",
        "note": "",
        "content": content,
        "compared": True,
        **changes,
    }
    return desk.PaperForm(**values)  # type: ignore[arg-type]  # each test names the fields it changes


def archived(house: House, company: dict[str, str]) -> list[tuple[str, str]]:
    """Level and source of each material of this holder."""
    code = HolderCode.parse(company["code_type"], company["code"])
    found = holdings(
        house.wired.workshop,
        house.client,
        code,
        purpose="核对",
        service_item=None,
        case_number=None,
        at=now(),
    )
    return [(each.trust.value, each.case_number) for each in found.materials]


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 3, 4])
def test_a_paper_whose_commit_was_cut_off_is_archived_by_sending_it_again(
    house: House, clerk: Person, company: dict[str, str], how: str, commit: int
) -> None:
    case, content = at_hand(house, clerk, company), new_pdf()
    with behind_a_cutting_wire(house) as (workshop, wire_):
        with cut_at_commit(workshop, wire_, commit, how), suppress(Unavailable):
            desk.archive_paper(workshop, clerk, case.place, paper(content), at=now())
        done = desk.archive_paper(workshop, clerk, case.place, paper(content), at=now())
    assert done.trust.value == "B"
    assert done.verification is not None
    assert done.verification.clerk == "文样窗"
    [(trust, number)] = archived(house, company)
    assert trust == "B"
    assert number.startswith(f"{case.number}#")
    with house.wired.workshop.database.reading(VAULT) as db:
        events = select(material_events.c.action).where(material_events.c.material_id == done.material_id)
        assert len(db.execute(events).all()) == 1


def test_a_paper_is_told_from_another_of_the_same_case(
    house: House, clerk: Person, company: dict[str, str]
) -> None:
    workshop, case = house.wired.workshop, at_hand(house, clerk, company)
    first, second = new_pdf(), new_pdf()
    for content in (first, first, second):
        desk.archive_paper(workshop, clerk, case.place, paper(content), at=now())
    assert len(archived(house, company)) == 2


def test_a_paper_that_is_sent_again_on_another_day_is_the_one_of_before(
    house: House, clerk: Person, company: dict[str, str]
) -> None:
    workshop, case, content = house.wired.workshop, at_hand(house, clerk, company), new_pdf()
    first = desk.archive_paper(workshop, clerk, case.place, paper(content), at=now())
    tomorrow = day_ends(legal_day(now())) + timedelta(hours=9)
    sheet = desk.fill_in(workshop, clerk, form(company, number=case.number), at=tomorrow)
    assert sheet.at_hand is not None
    again = desk.archive_paper(workshop, clerk, sheet.at_hand, paper(content), at=tomorrow)
    assert again.material_id == first.material_id
    assert len(archived(house, company)) == 1
    other = paper(content, holder_name="另一家有限公司")
    with pytest.raises(Conflict):
        desk.archive_paper(workshop, clerk, sheet.at_hand, other, at=tomorrow)


def test_a_material_is_compared_for_a_case_of_its_holder_alone(
    house: House, clerk: Person, company: dict[str, str]
) -> None:
    workshop, case = house.wired.workshop, at_hand(house, clerk, company)
    with_material(house, company, ESCROW, "C", issued_on=legal_day(now()).isoformat())
    held = desk.look(workshop, clerk, case, at=now())
    line = next(line for line in held.answer["lines"] if line["requirement"] == "escrow")
    material_id = UUID(line["not_usable"][0]["material_id"])
    other = at_hand(house, clerk, new_company())
    for place in (other.place, uuid4()):
        with pytest.raises(NotFound):
            desk.compare_paper(workshop, clerk, place, material_id, at=now())
    assert [trust for trust, _ in archived(house, company)] == ["C"]
    assert desk.compare_paper(workshop, clerk, case.place, material_id, at=now()).trust.value == "B"


def test_an_item_that_went_to_others_is_a_slip_of_its_case(
    house: House, clerk: Person, company: dict[str, str]
) -> None:
    case = at_hand(house, clerk, company)
    offices = house.catalogue.city.authorities
    elsewhere = clerk_of(house, office=next(a.code for a in offices if a.code != clerk.organisation))
    with pytest.raises(desk.Slips) as found:
        desk.look(house.wired.workshop, elsewhere, case, at=now())
    assert [(slip.field, slip.kind) for slip in found.value.slips] == [("item", "gone")]


def test_who_was_scanned_stays_by_the_masked_number_at_its_place(
    house: House, company: dict[str, str]
) -> None:
    items = tuple(house.catalogue.items.values())
    codes = [HolderCode.parse("111", new_person()["code"]) for _ in range(2)]
    owners = tuple(DeskHolder(HolderRole.CO_OWNER, code, scanned=True) for code in codes)
    before = DeskCase(uuid4(), "SL-1", holders=owners)
    masked = [code.masked() for code in codes]
    people = {HolderRole.APPLICANT: company["code"], HolderRole.CO_OWNER: "\n".join(masked)}
    read = read_case(items, form(company, holders=people), before, at=now())
    assert read.case.holders[1:] == owners
    people[HolderRole.AGENT] = masked[0]
    with pytest.raises(desk.Slips) as refused:
        read_case(items, form(company, holders=people), before, at=now())
    assert [(slip.field, slip.kind) for slip in refused.value.slips] == [("agent", "masked")]


def test_nobody_comes_in_as_a_counter(house: House) -> None:
    with pytest.raises(InputError):
        add_client(house.wired.workshop, f"{COUNTER_PREFIX}x1", "x", frozenset(), at=now())


def test_a_picture_is_of_what_the_case_is_about(
    house: House, clerk: Person, company: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, subject = house.wired.workshop, thing_of(house, company)
    case = at_hand(house, clerk, company)
    drawn = desk.page_picture(workshop, clerk, case.place, subject, at=now(), draw_with=page_webp)
    assert (drawn[:4], drawn[8:12]) == (b"RIFF", b"WEBP")
    assert len(drawn) < 4 * 2**20
    monkeypatch.setattr("vault.desk.picture.DRAWN_MAX_BYTES", 1)
    with pytest.raises(NotFound):
        desk.page_picture(workshop, clerk, case.place, subject, at=now(), draw_with=page_webp)
    other = at_hand(house, clerk, new_company())
    with pytest.raises(NotFound):
        desk.page_picture(workshop, clerk, other.place, subject, at=now(), draw_with=page_webp)
    with workshop.database.reading(VAULT) as db:
        mine = select(audit_events).where(audit_events.c.actor == clerk.actor)
        [refused, looked] = db.execute(mine.order_by(audit_events.c.id.desc()).limit(2)).all()
    assert (looked.action, looked.certificate_id) == ("page", subject.id)
    # What one may not know of is not named where the refusal is recorded.
    assert (refused.action, refused.certificate_id) == ("refused-page", None)


@pytest.mark.parametrize(
    ("typed", "slip"),
    [
        ("", "missing"),
        ("123", "code_length"),
        ("1101**********0021", "masked"),
        ("https://vault.example/v#p=AAAAAAAAAAAAAAAAAAAAAA", "shown_code"),
        ("110105194912310021", "citizen_check"),
        ("11010519491231002X", "only_organisation"),
        ("91350100M000100Y44", "credit_check"),
    ],
)
def test_a_slip_in_the_holders_number_is_named(house: House, clerk: Person, typed: str, slip: str) -> None:
    with pytest.raises(desk.Slips) as refused:
        desk.fill_in(house.wired.workshop, clerk, form({"code": typed}), at=now())
    assert [(each.field, each.kind) for each in refused.value.slips] == [("applicant", slip)]
    assert typed not in str(refused.value) or not typed


def test_people_beside_the_applicant(house: House, clerk: Person, company: dict[str, str]) -> None:
    agent, owners = new_person(), [new_person(), new_person()]
    people = {
        HolderRole.APPLICANT: company["code"],
        HolderRole.AGENT: agent["code"].lower(),
        HolderRole.CO_OWNER: f"{owners[0]['code']}\n{owners[1]['code']}\n",
    }
    case = at_hand(house, clerk, company, holders=people)
    assert [each.role for each in case.holders] == [
        HolderRole.APPLICANT,
        HolderRole.AGENT,
        HolderRole.CO_OWNER,
        HolderRole.CO_OWNER,
    ]
    held = desk.look(house.wired.workshop, clerk, case, at=now())
    assert "authorisation" in {line["requirement"] for line in held.answer["lines"]}
    people[HolderRole.CO_OWNER] = f"{owners[0]['code']}\n12\n"
    with pytest.raises(desk.Slips) as refused:
        desk.fill_in(house.wired.workshop, clerk, form(company, holders=people), at=now())
    [slip] = refused.value.slips
    assert (slip.field, slip.kind, slip.values["place"]) == ("co_owner", "line", 2)


def test_what_was_used_stays_with_its_case(house: House, clerk: Person, company: dict[str, str]) -> None:
    workshop, case, subject = house.wired.workshop, at_hand(house, clerk, company), thing_of(house, company)
    made = desk.use_held(workshop, clerk, case.place, subject, copy=False, at=now())
    again = at_hand(house, clerk, company, number=case.number, place=case.place)
    assert (again.place, again.uses) == (case.place, (made.use.use_id,))
    other = at_hand(house, clerk, company, place=case.place)
    assert other.place != case.place
    assert other.uses == ()
    desk.turn(workshop, clerk, Turn.DONE, case.place, at=now())
    done = desk.sheet_at(workshop, clerk, at=now()).case(case.place)
    assert done is not None
    assert done.state is CaseState.DONE
