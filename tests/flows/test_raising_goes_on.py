"""Raising goes on and comes to an end: whatever befalls one file, an authority, a policy or a holder."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from sqlalchemy import func, select, text

from signing.pades.long_term import ValidationData
from signing.raising import RaisedPdf, raise_pdf
from signing.revocation import RevocationSources
from signing.validate import judge_pdf
from storage.blobs import BlobStore
from storage.embedded import EngineAddresses
from storage.filed_objects import document_objects
from storage.objects import FiledObject, prove_object, read_object
from storage.tables import log_leaves, renditions, seal_terms
from tests.conftest import House
from tests.files import copy_bytes
from tests.flows.test_erasure import code_of, every_key, opened_by_any
from tests.flows.test_raising import (
    CLOCK,
    SOON,
    Away,
    deposit,
    end_all,
    held,
    raise_all,
    raising_vault,
    refuses,
    term,
)
from tests.flows.test_rotation import company, request_of
from tests.flows.test_uses import asked, used
from tests.trials import checked, now
from vault.deposit import hand_in
from vault.erasing import erase
from vault.errors import NotFound, Unavailable
from vault.model.certificate import SealLevel, files_of
from vault.model.long_term import LongTermPolicy, TermState
from vault.model.scope import VAULT
from vault.model.verdict import Indication
from vault.raising import calendar_of, raise_due, seal_health, walk
from vault.raising import flow as raising_flow
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

ROUNDS_MAX = 8


@pytest.fixture(scope="module")
def own(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault in which nobody else's files come due."""
    with raising_vault(engines, tmp_path_factory.mktemp("raising"), "raising_goes_on") as house:
        yield house


@pytest.fixture(autouse=True)
def _nothing_left(own: House) -> Iterator[None]:
    """What a test leaves waiting is ended, so that the next one finds nothing due."""
    yield
    end_all(own)


def raise_to_the_end(workshop: Workshop, at: datetime) -> int:
    """Rounds until nothing is due at this moment, which is to come soon; how many raised something."""
    CLOCK.at = at
    for rounds in range(ROUNDS_MAX):
        if not raise_due(workshop, at=at).files:
            return rounds
    pytest.fail("Raising has no end.")


def left_by(house: House, certificate_id: UUID) -> list[str]:
    """Objects of this certificate's that no row names: what fsck finds of them."""
    return [found.detail for found in checked(house).findings if str(certificate_id) in found.about]


def unkept(house: House) -> Workshop:
    """The vault as one that need not keep anything."""
    return replace(house.wired.workshop, retention=timedelta(seconds=-1))


class NotYet:
    """Sources that have nothing as new as what is asked for, while they `wait`."""

    def __init__(self, behind: RevocationSources) -> None:
        self.behind = behind
        self.wait = True
        self.asked = 0

    def issuers(self) -> tuple[x509.Certificate, ...]:
        """As behind it."""
        return self.behind.issuers()

    def answers(self, path: Sequence[x509.Certificate], *, since: datetime, now: datetime) -> ValidationData:
        """What is known, or when to ask again."""
        self.asked += 1
        if self.wait:
            raise Unavailable("It has nothing newer yet.", retry_after_s=1800)
        return self.behind.answers(path, since=since, now=now)


def test_what_an_outage_took_is_no_reason_to_give_up(own: House, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Away(own.wired.workshop.tsa)
    workshop = replace(own.wired.workshop, tsa=away)
    deposited, at = deposit(own, workshop), now()
    for _ in range(raising_flow.TRIES_MAX + 1):
        assert raise_due(workshop, at=at).put_off == 1
        at += raising_flow.BACKOFF_MAX
    with monkeypatch.context() as patch:
        patch.setattr(raising_flow, "raise_pdf", refuses)
        for _ in range(raising_flow.TRIES_MAX - 1):
            assert raise_due(workshop, at=at).put_off == 1
            at += raising_flow.BACKOFF_MAX
        assert raise_due(workshop, at=at).given_up == 1
    assert term(own, deposited.certificate_id)["state"] == TermState.FAILED


def test_what_was_given_up_does_not_use_up_the_outage_budget(
    own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = replace(own.wired.workshop, tsa=Away(own.wired.workshop.tsa))
    before = seal_health(workshop, at=now()).untimed.count
    deposited, at = deposit(own, workshop), now()
    assert seal_health(workshop, at=at).untimed.count == before + 1
    monkeypatch.setattr(raising_flow, "raise_pdf", refuses)
    for _ in range(raising_flow.TRIES_MAX):
        raise_due(workshop, at=at)
        at += raising_flow.BACKOFF_MAX
    assert term(own, deposited.certificate_id)["untimed_since"] is not None
    health = seal_health(workshop, at=at)
    assert (health.untimed.count, health.given_up) == (before, 1)


def test_where_no_authority_was_ever_set_nothing_waits_for_one(own: House) -> None:
    plan = "UPDATE seal_term_walk SET plan = :plan"
    with own.owner.writing(VAULT) as db:
        kept = db.execute(text("SELECT plan FROM seal_term_walk")).scalar_one()
        db.execute(text(plan), {"plan": None})
    without = replace(own.wired.workshop, tsa=None, long_term=LongTermPolicy())
    deposited = deposit(own, without)
    with own.owner.writing(VAULT) as db:
        db.execute(text(plan), {"plan": kept})
    found = term(own, deposited.certificate_id)
    assert (found["level"], found["untimed_since"]) == ("B-B", None)
    raise_all(own.wired.workshop, now() + SOON)
    assert len(held(own, deposited.certificate_id).renditions) == 2


def test_what_fails_now_is_told_with_its_reason(own: House) -> None:
    away = Away(own.wired.workshop.tsa)
    workshop = replace(own.wired.workshop, tsa=away)
    deposited = deposit(own, workshop)
    raise_due(workshop, at=now())  # and it is tried again in a minute
    (failure,) = calendar_of(workshop, due_before=now()).failures
    assert (failure.given_up, failure.count, failure.example) == (False, 1, deposited.certificate_id)
    assert "does not answer" in failure.why


@pytest.mark.parametrize("empty", [False, True])
def test_a_key_that_does_not_open_keeps_nobody_elses_file_from_being_raised(
    own: House, *, empty: bool
) -> None:
    workshop, deposited = own.wired.workshop, [deposit(own) for _ in range(3)]
    broken = deposited[1].certificate_id
    wrap = "UPDATE certificate_holders SET data_key = :key WHERE certificate_id = :id"
    with own.owner.writing(VAULT) as db:
        key = db.execute(
            text("SELECT data_key FROM certificate_holders WHERE certificate_id = :id"), {"id": broken}
        ).scalar_one()
        db.execute(text(wrap), {"id": broken, "key": b"" if empty else key[::-1]})
    done = raise_due(workshop, at=now())
    with own.owner.writing(VAULT) as db:
        db.execute(text(wrap), {"id": broken, "key": key})
    assert (done.raised, done.put_off) == (2, 1)
    assert term(own, broken)["failure"] is not None
    raise_all(workshop, now() + SOON)
    assert len(held(own, broken).renditions) == 1


@pytest.mark.parametrize("odd", [ZeroDivisionError, KeyError])
def test_what_nobody_expected_of_one_file_is_told_and_the_others_are_raised(
    own: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, odd: type[Exception]
) -> None:
    workshop, deposited = own.wired.workshop, [deposit(own) for _ in range(3)]

    def fails_once(*_: object, **__: object) -> RaisedPdf:
        monkeypatch.setattr(raising_flow, "raise_pdf", raise_pdf)
        raise odd("110101190001010016")

    monkeypatch.setattr(raising_flow, "raise_pdf", fails_once)
    done = raise_due(workshop, at=now())
    assert (done.raised, done.put_off) == (2, 1)
    (why,) = {term(own, each.certificate_id)["failure"] for each in deposited} - {None}
    assert odd.__name__ in why
    assert odd.__name__ in caplog.text
    assert "110101190001010016" not in why + caplog.text
    assert "gone" not in why


def test_a_term_whose_rows_are_gone_is_told(own: House) -> None:
    lost, deposited = uuid4(), deposit(own)
    with own.owner.writing(VAULT) as db:
        values = {"certificate_id": lost, "format": "pdf", "level": "B-T", "number": 0, "tries": 0}
        db.execute(seal_terms.insert().values(**values, state="waiting", due_at=now()))
    done = raise_due(own.wired.workshop, at=now())
    assert (done.raised, done.put_off) == (1, 1)
    assert term(own, lost)["failure"] == "Its rows are gone."
    assert len(held(own, deposited.certificate_id).renditions) == 1


def test_a_timed_seal_waits_for_its_grace_and_for_a_source_that_has_nothing_newer_yet(own: House) -> None:
    grace, not_yet = timedelta(hours=2), NotYet(own.wired.workshop.revocation)
    policy = LongTermPolicy(SealLevel.B_LTA, grace=grace)
    patient = replace(own.wired.workshop, long_term=policy, revocation=cast("RevocationSources", not_yet))
    walk(patient, at=now(), progress=lambda _: None)
    deposited, at = deposit(own, patient), now()
    found = term(own, deposited.certificate_id)
    assert (found["state"], found["level"]) == (TermState.WAITING, "B-T")
    assert raise_due(patient, at=at + grace - SOON).files == 0
    CLOCK.at = at + grace + SOON
    assert raise_due(patient, at=CLOCK.at).put_off == 1
    assert not_yet.asked == 1
    found = term(own, deposited.certificate_id)
    assert found["due_at"] == CLOCK.at + timedelta(seconds=1800)
    not_yet.wait = False
    CLOCK.at = found["due_at"]
    assert raise_due(patient, at=CLOCK.at).raised == 1
    raised = held(own, deposited.certificate_id)
    assert [each.level for each in files_of(raised)] == [SealLevel.B_LTA, SealLevel.B_T]
    walk(own.wired.workshop, at=now(), progress=lambda _: None)


def test_holders_erased_while_their_file_is_raised_get_no_rendition(
    own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, who = own.wired.workshop, company(1)
    (deposited,) = hand_in(workshop, own.client, request_of(own, who), at=now()).certificates
    real = prove_object

    def erased_meanwhile(blobs: BlobStore, filed: FiledObject) -> None:
        real(blobs, filed)
        erase(unkept(own), code_of(who), actor="operator:test", at=now())

    monkeypatch.setattr(raising_flow, "prove_object", erased_meanwhile)
    done = raise_due(workshop, at=now())
    assert (done.raised, done.looked_at) == (0, 1)
    assert term(own, deposited.certificate_id)["state"] == TermState.ENDED
    with workshop.database.reading(VAULT) as db:
        for table in (renditions, log_leaves):
            query = select(func.count()).where(table.c.certificate_id == deposited.certificate_id)
            assert db.execute(query).scalar_one() == (0 if table is renditions else 1)
    assert checked(own).problems == ()
    (left,) = left_by(own, deposited.certificate_id)
    assert "earlier try" in left


def test_erasing_makes_every_rendition_unreadable(own: House) -> None:
    workshop, who = own.wired.workshop, company(2)
    (deposited,) = hand_in(workshop, own.client, request_of(own, who), at=now()).certificates
    raise_all(workshop)
    with workshop.database.reading(VAULT) as db:
        files = document_objects(db, workshop.keys, [deposited.certificate_id])[deposited.certificate_id]
    assert len(files) == 2
    erase(unkept(own), code_of(who), actor="operator:test", at=now())
    with workshop.database.reading(VAULT) as db:
        left = document_objects(db, workshop.keys, [deposited.certificate_id])[deposited.certificate_id]
    assert [each.stored_name for each in left] == [each.stored_name for each in files]
    for each in left:
        with pytest.raises(NotFound, match="erased"):
            read_object(workshop.blobs, each)
    keys = every_key(own)
    assert keys
    assert not any(opened_by_any(own, each, keys) for each in files)
    report = checked(own)
    assert report.problems == ()
    told = [found for found in report.findings if found.about == deposited.identifier]
    assert len([found for found in told if "nothing opens its object" in found.detail]) == 2


def test_a_usage_copy_of_a_raised_certificate_is_made_of_its_newest_file(own: House) -> None:
    deposited = deposit(own)
    raise_all(own.wired.workshop)
    made = used(own, asked(deposited))
    content = copy_bytes(own, made.use)
    assert content.startswith(b"%PDF")
    reports = judge_pdf(content, trust=own.wired.workshop.trust, at=now())
    assert reports[-1].indication is Indication.TOTAL_PASSED
    assert checked(own).problems == ()


def test_a_seal_at_b_lt_is_renewed_by_a_time_stamp_and_that_has_an_end(own: House) -> None:
    lt = replace(own.wired.workshop, long_term=LongTermPolicy(SealLevel.B_LT, grace=timedelta(0)))
    deposited = deposit(own, lt)
    raise_to_the_end(lt, now())
    assert [each.level for each in files_of(held(own, deposited.certificate_id))] == [
        SealLevel.B_LT,
        SealLevel.B_T,
    ]
    due = term(own, deposited.certificate_id)["due_at"]
    raise_to_the_end(lt, due)
    raised = held(own, deposited.certificate_id)
    assert [each.level for each in files_of(raised)] == [SealLevel.B_LTA, SealLevel.B_LT, SealLevel.B_T]
    assert term(own, deposited.certificate_id)["due_at"] > due
    assert checked(own).problems == ()


@pytest.mark.parametrize("target", [SealLevel.B_T, SealLevel.B_LT, SealLevel.B_LTA])
def test_under_an_algorithm_that_has_ended_a_file_is_renewed_once_and_that_is_told(
    own: House, target: SealLevel
) -> None:
    ended = LongTermPolicy(target, grace=timedelta(0), lifetimes={"sha256": now() - timedelta(days=1)})
    workshop = replace(own.wired.workshop, long_term=ended)
    deposited, at = deposit(own, workshop), now()
    rounds = raise_to_the_end(workshop, at)
    assert rounds <= 2
    found = term(own, deposited.certificate_id)
    assert (found["state"], found["due_at"]) == (TermState.RESTING, at + raising_flow.RENEW_AGAIN_AFTER)
    assert "no longer counted on" in found["failure"]
    assert raise_due(workshop, at=at).files == 0
    assert checked(own).problems == ()


def test_a_seal_by_an_algorithm_that_is_on_no_list_is_raised_and_leaves_nothing_behind(
    own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raising_flow, "LIFETIMES", {})
    workshop, deposited, at = own.wired.workshop, deposit(own), now()
    raise_to_the_end(workshop, at)
    assert len(held(own, deposited.certificate_id).renditions) == 1
    assert term(own, deposited.certificate_id)["due_at"] == at + raising_flow.RENEW_AGAIN_AFTER
    assert left_by(own, deposited.certificate_id) == []


def test_with_a_lower_target_what_waits_for_more_rests_as_it_is(own: House) -> None:
    policy = LongTermPolicy(SealLevel.B_LTA, grace=timedelta(hours=2))
    patient = replace(own.wired.workshop, tsa=Away(own.wired.workshop.tsa), long_term=policy)
    deposited = deposit(own, patient)
    assert isinstance(patient.tsa, Away)
    patient.tsa.away = False
    raise_all(patient, now() + SOON)
    found = term(own, deposited.certificate_id)
    assert (found["state"], found["level"]) == (TermState.WAITING, "B-T")
    timed = replace(own.wired.workshop, long_term=LongTermPolicy(SealLevel.B_T, grace=timedelta(0)))
    walk(timed, at=now(), progress=lambda _: None)
    raise_all(timed, found["due_at"])
    assert term(own, deposited.certificate_id)["state"] == TermState.RESTING
    assert [each.document.level for each in held(own, deposited.certificate_id).renditions] == [SealLevel.B_T]
    walk(own.wired.workshop, at=now(), progress=lambda _: None)


def test_another_policy_renews_nothing_that_was_renewed_lately(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    raise_all(workshop)
    wide = replace(workshop, long_term=replace(workshop.long_term, margin=timedelta(days=3650)))
    at = now()
    assert walk(wide, at=at, progress=lambda _: None)
    assert term(own, deposited.certificate_id)["due_at"] < at
    raise_all(wide, at)
    assert len(held(own, deposited.certificate_id).renditions) == 1
    assert term(own, deposited.certificate_id)["due_at"] > at + timedelta(days=29)
    assert walk(workshop, at=now(), progress=lambda _: None)
