"""What becomes of a code that was shown: seen, taken back, over; and the picture of what is held."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
import zxingcpp
from PIL import Image, ImageChops
from sqlalchemy import select

from signing.drawing import page_webp
from storage.tables import audit_events, audit_subjects
from tests.conftest import House
from tests.flows.granting import bank, consented, now, signed_in
from tests.flows.test_delegations import opened, presented
from tests.flows.test_reuse import ESTATE, given, new_person
from vault.consents import askers_for
from vault.errors import CodeOpensNothing, NotFound
from vault.lookup import holdings
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.presentation import CODE_LIFETIME
from vault.model.scope import VAULT
from vault.picture import DRAWN_MAX_BYTES, PictureSize, picture_for_holder
from vault.presentations import (
    MadePresentation,
    Standing,
    code_address,
    code_picture,
    end_presentation,
    shown_now,
    standing_of,
)

pytestmark = pytest.mark.engines

Holder = dict[str, str]


@pytest.fixture
def holder() -> Holder:
    return new_person()


@pytest.fixture
def estate(house: House, holder: Holder) -> CertificateRecord:
    return given(house, ESTATE, holder)


@pytest.fixture
def me(house: House, holder: Holder, estate: CertificateRecord) -> Person:  # noqa: ARG001 - they hold it
    return signed_in(house, holder)


def standing(house: House, who: Person, made: MadePresentation, after: timedelta = timedelta(0)) -> Standing:
    place = made.presentation.presentation_id
    at = now() + after
    shown = shown_now(house.wired.workshop, who, place, made.code, at=at)
    assert shown.standing is standing_of(house.wired.workshop, who, place, made.code, at=at)
    return shown.standing


def test_a_code_is_open_until_it_is_seen(house: House, me: Person, estate: CertificateRecord) -> None:
    made = presented(house, me, estate)
    assert standing(house, me, made) is Standing.OPEN
    opened(house, made.code)
    assert standing(house, me, made) is Standing.SEEN
    assert standing(house, me, made, CODE_LIFETIME) is Standing.SEEN
    end_presentation(house.wired.workshop, me, made.presentation.presentation_id, made.code, at=now())
    assert standing(house, me, made) is Standing.SEEN, "what was seen was seen"


def test_a_code_that_nobody_saw_runs_out(house: House, me: Person, estate: CertificateRecord) -> None:
    made = presented(house, me, estate)
    assert standing(house, me, made, CODE_LIFETIME) is Standing.OVER


def test_what_is_taken_back_opens_nothing(house: House, me: Person, estate: CertificateRecord) -> None:
    made = presented(house, me, estate)
    for _ in range(2):
        ended = end_presentation(
            house.wired.workshop, me, made.presentation.presentation_id, made.code, at=now()
        )
        assert ended is Standing.TAKEN_BACK
    assert standing(house, me, made) is Standing.TAKEN_BACK
    with pytest.raises(CodeOpensNothing):
        opened(house, made.code)
    assert len(actions_about(house, estate, "presentation-end")) == 1


def test_a_code_is_nobody_elses_to_ask_about(house: House, me: Person, estate: CertificateRecord) -> None:
    made, workshop = presented(house, me, estate), house.wired.workshop
    place = made.presentation.presentation_id
    stranger = signed_in(house, new_person())
    for who, where, code in (
        (stranger, place, made.code),
        (me, uuid4(), made.code),
        (me, place, "q0Zc3vT1QmWm2mQyJ0r5aA"),
        (me, place, ""),
    ):
        for ask in (shown_now, standing_of, end_presentation):
            with pytest.raises(NotFound):
                ask(workshop, who, where, code, at=now())
    assert standing(house, me, made) is Standing.OPEN


def test_the_qr_leads_to_the_page_that_opens_it_and_is_small(
    house: House, me: Person, estate: CertificateRecord
) -> None:
    made, workshop = presented(house, me, estate), house.wired.workshop
    rows = code_picture(workshop, made.code)
    image = Image.new("L", (len(rows) + 8, len(rows) + 8), 255)
    for y, row in enumerate(rows, 4):
        for x, dark in enumerate(row, 4):
            image.putpixel((x, y), 0 if dark else 255)
    image = image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)
    (read,) = zxingcpp.read_barcodes(image)
    assert read.text == code_address(workshop, made.code) == f"{workshop.public_url}/v#p={made.code}"
    assert len(rows) <= 37, "version 5: a tired camera reads it at arm's length"


def test_the_picture_is_that_of_ones_own_page(house: House, me: Person, estate: CertificateRecord) -> None:
    before = newest_event(house)
    content = picture_for_holder(
        house.wired.workshop, me, estate.certificate_id, PictureSize.CARD, at=now(), draw_with=page_webp
    )
    image = Image.open(BytesIO(content))
    assert image.format == "WEBP"
    assert max(image.size) == PictureSize.CARD
    assert len(content) < 50_000
    r, g, b = image.convert("RGB").split()
    strong, weak = (
        r.point(lambda v: 255 * (v > 150)),
        ImageChops.lighter(g, b).point(lambda v: 255 * (v < 90)),
    )
    red = ImageChops.multiply(strong, weak).histogram()[255]
    assert red > 100, "the seal is on it, in its colour"
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(audit_events).where(audit_events.c.id > before, audit_events.c.actor == me.actor)
        (event,) = db.execute(query).all()
        assert (event.action, event.details) == ("own-picture", {"pictured": str(estate.certificate_id)})
        filed = select(audit_subjects.c.about).where(audit_subjects.c.event_id == event.id)
        assert db.execute(filed).scalars().all() == [], "ten pictures are no ten lines of a history"


def test_somebody_elses_picture_is_not_there_and_the_try_is_told(
    house: House, estate: CertificateRecord
) -> None:
    stranger = signed_in(house, new_person())
    for wanted in (estate.certificate_id, uuid4()):
        with pytest.raises(NotFound) as refused:
            picture_for_holder(
                house.wired.workshop, stranger, wanted, PictureSize.CARD, at=now(), draw_with=page_webp
            )
        assert "no such certificate" in refused.value.detail
    assert actions_about(house, estate, "refused-view") == [stranger.actor]


def test_what_is_too_large_is_not_drawn(
    house: House, me: Person, estate: CertificateRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.picture.DRAWN_MAX_BYTES", estate.documents[0].size_bytes - 1)
    with pytest.raises(NotFound, match="download"):
        picture_for_holder(
            house.wired.workshop, me, estate.certificate_id, PictureSize.CARD, at=now(), draw_with=page_webp
        )
    assert estate.documents[0].size_bytes < DRAWN_MAX_BYTES


def test_who_asked_in_vain_waits_until_a_consent_is_given(
    house: House, holder: Holder, me: Person, estate: CertificateRecord
) -> None:
    lender = bank(house)
    code = HolderCode.parse(holder["code_type"], holder["code"])
    assert askers_for(house.wired.workshop, me, at=now()).waiting == ()
    for _ in range(2):
        with pytest.raises(NotFound):
            holdings(
                house.wired.workshop,
                lender,
                code,
                purpose="办理住房贷款",
                service_item=None,
                case_number=None,
                at=now(),
            )
    found = askers_for(house.wired.workshop, me, at=now())
    (asked,) = found.waiting
    assert (asked.name, asked.purpose) == (lender.name, "办理住房贷款")
    assert found.known[asked.organisation] == lender.name
    assert askers_for(house.wired.workshop, me, at=now() + timedelta(days=31)).waiting == ()
    assert askers_for(house.wired.workshop, signed_in(house, new_person()), at=now()).waiting == ()
    consented(house, holder, lender, ESTATE)
    assert askers_for(house.wired.workshop, me, at=now()).waiting == ()
    assert estate.holders[0].code == code


def actions_about(house: House, certificate: CertificateRecord, action: str) -> list[str]:
    query = select(audit_events.c.actor).where(
        audit_events.c.certificate_id == certificate.certificate_id, audit_events.c.action == action
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return list(db.execute(query).scalars())


def newest_event(house: House) -> int:
    with house.wired.workshop.database.reading(VAULT) as db:
        found = db.execute(select(audit_events.c.id).order_by(audit_events.c.id.desc()).limit(1))
        return int(found.scalar_one())
