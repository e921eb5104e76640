"""An OFD takes a grant of its own authority's national seal, and is counted on it once a result."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage.seals import (
    NATIONAL,
    NATIONAL_CLOSING,
    platform_seal_in_use,
    resume_seal,
    stop_seal,
)
from storage.tables import cases, seals
from tests.desks import VIA, Desk
from tests.flows.ofd_cases import LICENCE, OFD, PDF, request_as
from tests.requests import kind_named
from vault.custody import end
from vault.deposit import counting, flow
from vault.errors import InputError, SealCapReached, SealNotGranted, Unavailable
from vault.founding import SecretsFolder, make_development_closing_key, make_development_national_seal
from vault.model.custody import Grant
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


@pytest.fixture
def national(desk: Desk) -> Iterator[str]:
    """A national seal of the desk's authority, newer than any other; its id."""
    row = make_development_national_seal(
        desk.workshop.database,
        SecretsFolder(desk.house.settings.secrets),
        authority=desk.seal.authority,
        authority_name=desk.seal.authority_name,
        centre=None,
        at=datetime.now(UTC),
    )
    yield row.seal_id
    stop(desk, row.seal_id)


def stop(desk: Desk, seal_id: str) -> None:
    with desk.workshop.database.writing(VAULT) as db:
        stop_seal(db, seal_id, datetime.now(UTC))


@contextmanager
def all_stopped(desk: Desk, purpose: str) -> Iterator[None]:
    """No seal of this purpose is in use inside of the block."""
    query = select(seals.c.id).where(seals.c.purpose == purpose, seals.c.stopped_at.is_(None))
    with desk.workshop.database.reading(VAULT) as db:
        found = list(db.execute(query).scalars())
    for seal_id in found:
        stop(desk, seal_id)
    try:
        yield
    finally:
        with desk.workshop.database.writing(VAULT) as db:
            for seal_id in found:
                resume_seal(db, seal_id)


def granted(desk: Desk, seal_id: str, cap: int = 5) -> Grant:
    kind = kind_named(desk.house.catalogue, LICENCE)
    return desk.granted(cap, seal_id=seal_id, type_code=kind.code, type_version=kind.version)


def both_granted(desk: Desk, national: str, pdfs: int = 5, ofds: int = 5) -> tuple[Grant, Grant]:
    return granted(desk, desk.seal.seal_id, pdfs), granted(desk, national, ofds)


def is_there(desk: Desk, number: str) -> bool:
    with desk.workshop.database.reading(VAULT) as db:
        return db.execute(select(cases.c.id).where(cases.c.number == number)).one_or_none() is not None


def test_each_file_bears_the_seal_of_its_own_grant(desk: Desk, national: str) -> None:
    of_pdf, of_ofd = both_granted(desk, national)
    (made,) = desk.deposit(request_as(desk.house, "pdf", "ofd")).certificates
    assert [each.seal_id for each in made.documents] == [desk.seal.seal_id, national]
    assert (desk.used(of_pdf), desk.used(of_ofd)) == (1, 1)
    desk.deposit(request_as(desk.house, "ofd"))
    assert (desk.used(of_pdf), desk.used(of_ofd)) == (1, 2)
    desk.deposit(request_as(desk.house, "pdf"))
    assert (desk.used(of_pdf), desk.used(of_ofd)) == (2, 2)


@pytest.mark.usefixtures("national")
def test_without_the_national_seals_grant_the_case_is_refused_whole(desk: Desk) -> None:
    granted(desk, desk.seal.seal_id)
    request = request_as(desk.house, "pdf", "ofd")
    with pytest.raises(SealNotGranted, match="national seal"):
        desk.deposit(request)
    assert not is_there(desk, request["case"]["number"])
    desk.deposit(request_as(desk.house, "pdf"))


def test_without_the_other_seals_grant_an_ofd_alone_is_made(desk: Desk, national: str) -> None:
    granted(desk, national)
    with pytest.raises(SealNotGranted):
        desk.deposit(request_as(desk.house, "pdf", "ofd"))
    (made,) = desk.deposit(request_as(desk.house, "ofd")).certificates
    assert [(each.format, each.seal_id) for each in made.documents] == [(OFD, national)]


@pytest.mark.parametrize("caps", [(1, 5), (5, 1)])
def test_the_cap_of_either_grant_stops_both_files(desk: Desk, national: str, caps: tuple[int, int]) -> None:
    grants = both_granted(desk, national, *caps)
    desk.deposit(request_as(desk.house, "pdf", "ofd"))
    with pytest.raises(SealCapReached):
        desk.deposit(request_as(desk.house, "pdf", "ofd"))
    assert [desk.used(grant) for grant in grants] == [1, 1]


def test_a_retry_is_counted_on_a_grant_once_a_day(
    desk: Desk, national: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_pdf, of_ofd = both_granted(desk, national)
    request = request_as(desk.house, "pdf", "ofd")

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("The store does not answer.")

    def tried() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(flow, "store", broken)
            with pytest.raises(Unavailable):
                desk.deposit(request)

    tried()
    tried()
    assert (desk.used(of_pdf), desk.used(of_ofd)) == (1, 1)
    end(desk.workshop, desk.makes, [of_ofd.grant_id], "样例", via=VIA, at=datetime.now(UTC))
    newer = granted(desk, national)
    tried()
    assert (desk.used(of_pdf), desk.used(newer)) == (1, 1)
    tomorrow = legal_day(datetime.now(UTC)) + timedelta(days=1)
    monkeypatch.setattr(counting, "legal_day", lambda _: tomorrow)
    desk.deposit(request)
    assert (desk.used(of_pdf, tomorrow), desk.used(newer, tomorrow)) == (1, 1)


def test_a_refusal_before_the_seal_gives_both_uses_back(
    desk: Desk, national: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = both_granted(desk, national)

    def refused(*_: object, **__: object) -> None:
        raise InputError.at("/results/0", "It cannot be set.")

    monkeypatch.setattr(flow, "make_page", refused)
    with pytest.raises(InputError):
        desk.deposit(request_as(desk.house, "pdf", "ofd"))
    assert [desk.used(grant) for grant in grants] == [0, 0]


# ---- seals that are not there, or no longer ----------------------------------------------------------------


def test_without_a_national_seal_it_is_said_whose_and_how_to_make_one(desk: Desk, national: str) -> None:
    both_granted(desk, national)
    request = request_as(desk.house, "pdf", "ofd")
    with all_stopped(desk, NATIONAL):
        with pytest.raises(Unavailable) as refused:
            desk.deposit(request)
        assert desk.deposit(request_as(desk.house, "pdf")).certificates
    assert desk.seal.authority in refused.value.detail
    assert "certvault seal new --national" in refused.value.detail
    assert not is_there(desk, request["case"]["number"])


def test_without_a_key_that_closes_nothing_is_made_as_ofd(desk: Desk, national: str) -> None:
    both_granted(desk, national)
    request = request_as(desk.house, "pdf", "ofd")
    with all_stopped(desk, NATIONAL_CLOSING), pytest.raises(Unavailable, match="closes OFD"):
        desk.deposit(request)
    assert not is_there(desk, request["case"]["number"])


@pytest.mark.parametrize("when", ["before it seals", "before it commits"])
@pytest.mark.parametrize("which", ["the national seal", "the key that closes"])
def test_what_is_stopped_meanwhile_commits_nothing(
    desk: Desk, national: str, monkeypatch: pytest.MonkeyPatch, when: str, which: str
) -> None:
    both_granted(desk, national)
    closing = make_development_closing_key(
        desk.workshop.database,
        SecretsFolder(desk.house.settings.secrets),
        desk.house.catalogue.city.operator,
        at=datetime.now(UTC),
    ).seal_id
    stopped = national if which == "the national seal" else closing
    step = "make_page" if when == "before it seals" else "store"
    real = getattr(flow, step)

    def then_stop(*arguments: object, **named: object) -> object:
        done = real(*arguments, **named)
        stop(desk, stopped)
        return done

    request = request_as(desk.house, "pdf", "ofd")
    try:
        with monkeypatch.context() as patch:
            patch.setattr(flow, step, then_stop)
            with pytest.raises(Unavailable, match="stopped"):
                desk.deposit(request)
        with desk.workshop.database.writing(VAULT) as db:
            resume_seal(db, stopped)
        (made,) = desk.deposit(request).certificates
        assert [each.format for each in made.documents] == [PDF, OFD]
    finally:
        stop(desk, closing)


def test_the_key_that_closes_is_granted_to_nobody(desk: Desk) -> None:
    with desk.workshop.database.reading(VAULT) as db:
        closing = platform_seal_in_use(db, datetime.now(UTC), NATIONAL_CLOSING)
    assert closing is not None
    with pytest.raises(InputError) as refused:
        granted(desk, closing)
    assert "/0/seal_id" in {problem.pointer for problem in refused.value.problems}
