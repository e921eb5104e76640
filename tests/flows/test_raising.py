"""Seals raised in the background: what comes of a file, of its record, and of whoever works on it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from sqlalchemy import RowMapping, func, select, text

from signing.keys import load_file_key
from signing.pades.long_term import ValidationData
from signing.raising import RaisedPdf, raise_pdf
from signing.revocation import RevocationSources, development_sources
from signing.timestamp import DevelopmentTimeStampAuthority, TimeStampAuthority
from signing.trust import LEAF_VALIDITY, IssuedKey, certificates_der, issue_timestamp_certificate
from signing.validate import Trust, judge_pdf
from storage.blobs import BlobStore
from storage.certificates import record
from storage.embedded import EngineAddresses
from storage.filed_objects import document_objects
from storage.objects import FiledObject, prove_object, read_object
from storage.tables import audit_events, log_leaves, renditions, seal_terms
from tests.conftest import House
from tests.files import copy_bytes
from tests.flows.test_erasure import code_of, every_key, opened_by_any
from tests.flows.test_rotation import company, request_of
from tests.flows.test_uses import asked, used
from tests.requests import example_request
from tests.trials import broken_off_after, checked, now, together
from tests.vaults import own_vault
from vault.deposit import hand_in, receipt_json
from vault.download import ProvenFile, document_for_client, proven_document
from vault.erasing import erase
from vault.errors import DocumentRefused, NotFound, Unavailable
from vault.evidence import make_evidence
from vault.founding import SecretsFolder
from vault.log_auditor import about_document, about_proof
from vault.lookup import FOR_CLIENTS, summary_json
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord, SealLevel, files_of
from vault.model.evidence import open_evidence
from vault.model.long_term import LongTermPolicy, OutageBudget, OverBudget, TermState
from vault.model.scope import VAULT
from vault.model.verdict import CheckResult, Genuine, Indication
from vault.raising import calendar_of, raise_due, retry_failed, seal_health, walk
from vault.raising import flow as raising_flow
from vault.tlog.note import parse_verifier_key
from vault.transparency.sequencing import sequence
from vault.verify import by_file, report_json
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

PDF = DocumentFormat.PDF
SOON = timedelta(minutes=2)
ROUNDS_MAX = 8


@pytest.fixture(scope="module")
def own(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault in which nobody else's files come due."""
    with own_vault(engines, tmp_path_factory.mktemp("raising"), "raising") as house:
        secrets = SecretsFolder(house.settings.secrets)
        authority = IssuedKey(secrets.authority_key.read_bytes(), secrets.authority_certificate.read_bytes())
        revocation = development_sources(authority, secrets.passphrase.read_bytes(), CLOCK.now)
        workshop = replace(house.wired.workshop, revocation=revocation)
        walk(workshop, at=now(), progress=lambda _: None)
        yield replace(house, wired=replace(house.wired, workshop=workshop))


class Clock:
    """What time it is at the authority's list of revoked certificates."""

    at: datetime | None = None

    def now(self) -> datetime:
        """What it was set to, or the real time."""
        return self.at or now()


CLOCK = Clock()


@pytest.fixture(autouse=True)
def _nothing_left(own: House) -> Iterator[None]:
    """What a test leaves waiting is raised, so that the next one finds nothing due."""
    yield
    CLOCK.at = None
    with own.owner.writing(VAULT) as db:
        db.execute(text("UPDATE seal_terms SET state = 'ended' WHERE state <> 'ended'"))


class Away:
    """A time-stamp authority that does not answer while `away`."""

    def __init__(self, behind: TimeStampAuthority | None) -> None:
        assert behind is not None
        self.behind = behind
        self.away = True
        self.asked = 0

    @property
    def token_room_bytes(self) -> int:
        """As behind it."""
        return self.behind.token_room_bytes

    def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
        """A token, or nothing."""
        self.asked += 1
        if self.away:
            raise Unavailable("The time-stamp authority does not answer.")
        return self.behind.stamp(digest_sha256, at)


def deposit(house: House, workshop: Workshop | None = None) -> CertificateRecord:
    request = example_request(house.catalogue)
    (certificate,) = hand_in(workshop or house.wired.workshop, house.client, request, at=now()).certificates
    return certificate


def held(house: House, certificate_id: UUID) -> CertificateRecord:
    with house.wired.workshop.database.reading(VAULT) as db:
        found = record(db, house.wired.workshop.keys, certificate_id)
    assert found is not None
    return found


def term(house: House, certificate_id: UUID) -> RowMapping:
    query = select(seal_terms).where(seal_terms.c.certificate_id == certificate_id)
    with house.wired.workshop.database.reading(VAULT) as db:
        return db.execute(query).mappings().one()


def raise_all(workshop: Workshop, at: datetime | None = None) -> None:
    CLOCK.at = at
    while raise_due(workshop, at=at or now()).files:
        pass


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


def file_of(house: House, certificate: CertificateRecord, sha256: str | None = None) -> bytes:
    workshop = house.wired.workshop
    got = document_for_client(
        workshop, house.client, certificate.certificate_id, PDF, at=now(), sha256=sha256
    )
    return got.content


def test_a_timed_seal_is_raised_and_both_files_are_genuine(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    (original,) = deposited.documents
    assert original.level is SealLevel.B_T
    raise_all(workshop)
    raised = held(own, deposited.certificate_id)
    newest, first = files_of(raised)
    assert (newest.level, first) == (SealLevel.B_LTA, original)
    old, new = file_of(own, raised, original.sha256), file_of(own, raised)
    assert new.startswith(old)
    assert hashlib.sha256(new).hexdigest() == newest.sha256
    for content in (old, new):
        verification = by_file(workshop, content, at=now())
        assert isinstance(verification.verdict, Genuine)
        shown = report_json(verification)["certificate"]["documents"]
        assert [each["seal_level"] for each in shown] == ["B-LTA", "B-T"]
    told = {check.name: check.result for check in by_file(workshop, old, at=now()).checks}
    assert told["rendition"] is CheckResult.PASSED
    reports = judge_pdf(new, trust=workshop.trust, at=now())
    assert [report.indication for report in reports] == [Indication.TOTAL_PASSED] * 2
    assert checked(own).problems == ()


def test_the_receipt_stays_as_it_was_and_leads_to_what_it_names(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    before = receipt_json(deposited, workshop.public_url)["documents"]
    raise_all(workshop)
    raised = held(own, deposited.certificate_id)
    assert receipt_json(raised, workshop.public_url)["documents"] == before
    assert before[0]["href"].endswith(f"&sha256={deposited.documents[0].sha256}")
    listed = summary_json(raised, workshop.shelf.types(now()), files_at=FOR_CLIENTS)["documents"]
    assert [each["seal_level"] for each in listed] == ["B-LTA", "B-T"]


def test_a_digest_of_no_file_of_it_is_not_found(own: House) -> None:
    with pytest.raises(NotFound, match="digest"):
        file_of(own, deposit(own), "0" * 64)


def test_the_raised_file_has_a_leaf_of_its_own(own: House) -> None:
    deposited = deposit(own)
    raise_all(own.wired.workshop)
    query = select(log_leaves.c.leaf).where(log_leaves.c.certificate_id == deposited.certificate_id)
    with own.wired.workshop.database.reading(VAULT) as db:
        leaves = [leaf.decode() for leaf in db.execute(query.order_by(log_leaves.c.id)).scalars()]
    assert len(leaves) == 2
    (newest, _) = files_of(held(own, deposited.certificate_id))
    assert '"event":"rendition"' in leaves[1]
    assert newest.sha256 in leaves[1]
    assert deposited.documents[0].sha256 in leaves[1]
    for file, done in ((newest, "raised to B-LTA"), (deposited.documents[0], "issued")):
        asked = about_document(file.sha256)
        for index, leaf in enumerate(leaves):
            asked.hear("the log", index, leaf.encode())
        answer = asked.answer(now())
        assert answer.well
        assert f"The file was {done} as {deposited.identifier}" in answer.sentence


def test_without_the_authority_a_seal_is_marked_and_raised_when_it_is_back(own: House) -> None:
    away = Away(own.wired.workshop.tsa)
    workshop = replace(own.wired.workshop, tsa=away)
    deposited = deposit(own, workshop)
    assert [each.level for each in deposited.documents] == [SealLevel.B_B]
    assert receipt_json(deposited, "https://x")["documents"][0]["seal_level"] == "B-B"
    told = {c.name: c.result for c in by_file(workshop, file_of(own, deposited), at=now()).checks}
    assert told["seal_time"] is CheckResult.UNKNOWN
    assert seal_health(workshop, at=now()).untimed.count > 0
    raise_due(workshop, at=now())
    assert "does not answer" in term(own, deposited.certificate_id)["failure"]
    away.away = False
    raise_all(workshop, now() + SOON)
    raised = held(own, deposited.certificate_id)
    assert [each.level for each in files_of(raised)] == [SealLevel.B_LTA, SealLevel.B_T, SealLevel.B_B]
    assert term(own, deposited.certificate_id)["untimed_since"] is None
    assert checked(own).problems == ()


@pytest.mark.parametrize("budget", [OutageBudget(documents=1), OutageBudget(longest=timedelta(0))])
def test_over_the_budget_a_deposit_is_refused_or_marked(own: House, budget: OutageBudget) -> None:
    away = Away(own.wired.workshop.tsa)
    within = replace(own.wired.workshop, tsa=away)
    first = deposit(own, within)
    refusing = replace(within, long_term=replace(within.long_term, budget=budget))
    request = example_request(own.catalogue)
    with pytest.raises(Unavailable, match="too long") as refused:
        hand_in(refusing, own.client, request, at=now())
    assert refused.value.retry_after_s == 60
    assert seal_health(refusing, at=now()).over_budget
    marking = replace(
        refusing, long_term=replace(within.long_term, budget=replace(budget, then=OverBudget.MARK))
    )
    (marked,) = hand_in(marking, own.client, request, at=now()).certificates
    assert [each.level for each in marked.documents] == [SealLevel.B_B]
    away.away = False
    raise_all(within, now() + SOON)
    assert len(held(own, first.certificate_id).renditions) == 2
    (timed,) = hand_in(refusing, own.client, example_request(own.catalogue), at=now()).certificates
    assert [each.level for each in timed.documents] == [SealLevel.B_T]


def test_an_authority_that_is_away_is_not_asked_for_every_file(own: House) -> None:
    away = Away(own.wired.workshop.tsa)
    workshop = replace(own.wired.workshop, tsa=away)
    waiting = [deposit(own, workshop) for _ in range(6)]
    away.asked = 0
    done = raise_due(workshop, at=now())
    assert away.asked == raising_flow.REFUSALS_MAX
    assert done.put_off == len(waiting)
    away.away = False
    raise_all(workshop, now() + SOON)
    for each in waiting:
        assert files_of(held(own, each.certificate_id))[0].level is SealLevel.B_LTA
        found = term(own, each.certificate_id)
        assert (found["state"], found["failure"], found["tries"]) == (TermState.RESTING, None, 0)


def test_two_workers_share_the_work_and_do_nothing_twice(own: House) -> None:
    workshop = own.wired.workshop
    deposited = [deposit(own) for _ in range(6)]
    at = now()
    done = together(*(lambda: [raise_due(workshop, at=at, files=2) for _ in range(3)] for _ in range(3)))
    assert sum(each.raised for rounds in done for each in rounds) == len(deposited)
    assert all(len(held(own, each.certificate_id).renditions) == 1 for each in deposited)
    assert checked(own).problems == ()


def test_what_a_dead_worker_had_claimed_is_taken_up_after_its_lease(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    with broken_off_after(raising_flow, "read_object"):
        raise_due(workshop, at=now())
    assert raise_due(workshop, at=now()).files == 0
    raise_all(workshop, now() + raising_flow.LEASE)
    assert len(held(own, deposited.certificate_id).renditions) == 1


def test_evidence_holds_when_the_seals_certificate_has_ended(own: House) -> None:
    """The deposited file's does not: its time-stamp's certificate ends with the seal's."""
    workshop, deposited = own.wired.workshop, deposit(own)
    later = now() + LEAF_VALIDITY + timedelta(days=300)
    with pytest.raises(NotFound, match="promised"):
        proven_document(workshop, own.client, deposited.certificate_id, PDF, at=now())
    assert downloads(own, deposited.certificate_id) == 0
    published(workshop)
    first = proven_document(workshop, own.client, deposited.certificate_id, PDF, at=now())
    assert judged_by_its_own(workshop, deposited.certificate_id, first, later) is Indication.INDETERMINATE
    assert downloads(own, deposited.certificate_id) == 1

    raise_all(workshop)
    unpublished = proven_document(workshop, own.client, deposited.certificate_id, PDF, at=now())
    assert unpublished == first
    due = term(own, deposited.certificate_id)["due_at"]
    renewed = replace(workshop, tsa=younger_authority(own, due - timedelta(days=1)))
    raise_all(renewed, due)
    published(workshop)
    newest = proven_document(workshop, own.client, deposited.certificate_id, PDF, at=now())
    assert newest.file.sha256 == files_of(held(own, deposited.certificate_id))[0].sha256
    assert judged_by_its_own(workshop, deposited.certificate_id, newest, later) is Indication.TOTAL_PASSED


def published(workshop: Workshop) -> None:
    """All leaves that wait are in a published tree."""
    sequence(workshop, at=now(), heads_apart=timedelta(0))


def downloads(house: House, certificate_id: UUID) -> int:
    """How many are on record."""
    query = select(func.count()).select_from(audit_events)
    query = query.where(audit_events.c.certificate_id == certificate_id, audit_events.c.action == "download")
    with house.owner.reading(VAULT) as db:
        return db.execute(query).scalar_one()


def younger_authority(house: House, at: datetime) -> TimeStampAuthority:
    """A time-stamp authority whose certificate is issued at a later time."""
    secrets = SecretsFolder(house.settings.secrets)
    authority = IssuedKey(secrets.authority_key.read_bytes(), secrets.authority_certificate.read_bytes())
    passphrase = secrets.passphrase.read_bytes()
    issued = issue_timestamp_certificate(authority, passphrase, passphrase=passphrase, at=at)
    return DevelopmentTimeStampAuthority(load_file_key(issued.key_pem, passphrase, issued.certificate_pem))


def judged_by_its_own(
    workshop: Workshop, certificate_id: UUID, proven: ProvenFile, at: datetime
) -> Indication:
    """What becomes of the seal in the evidence at a time; the log's proof in it is of the file in it."""
    packed = make_evidence(
        workshop, certificate_id, proven.file.content, proven.leaf_hash, {"verdict": "genuine"}, at=now()
    )
    evidence = open_evidence(packed)
    key = parse_verifier_key(evidence.log_key.decode())
    sha256 = hashlib.sha256(evidence.document).hexdigest()
    assert about_proof(evidence.proof, key, (), sha256=sha256).well
    reports = judge_pdf(evidence.document, trust=Trust(certificates_der(evidence.roots)), at=at)
    found = {report.indication for report in reports}
    return Indication.TOTAL_PASSED if found == {Indication.TOTAL_PASSED} else Indication.INDETERMINATE


def test_of_two_that_work_on_one_file_the_first_to_commit_wins(
    own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    real = prove_object

    def overtaken(blobs: BlobStore, filed: FiledObject) -> None:
        real(blobs, filed)
        monkeypatch.setattr(raising_flow, "prove_object", real)
        CLOCK.at = now() + raising_flow.LEASE
        assert raise_due(workshop, at=CLOCK.at).raised == 1

    monkeypatch.setattr(raising_flow, "prove_object", overtaken)
    assert raise_due(workshop, at=now()).raised == 0
    assert len(held(own, deposited.certificate_id).renditions) == 1
    assert checked(own).problems == ()


def test_a_file_that_cannot_be_raised_is_given_up_after_some_tries_and_can_be_tried_again(
    own: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    at = now()
    with monkeypatch.context() as patch:
        patch.setattr(raising_flow, "raise_pdf", _refuses)
        for _ in range(raising_flow.TRIES_MAX):
            raise_due(workshop, at=at)
            at += raising_flow.BACKOFF_MAX
    assert term(own, deposited.certificate_id)["state"] == TermState.FAILED
    found = calendar_of(workshop, due_before=at)
    assert [(each.why, each.given_up, each.count) for each in found.failures] == [("It is odd.", True, 1)]
    assert seal_health(workshop, at=at).given_up == 1
    assert retry_failed(workshop, at=now()) == 1
    raise_all(workshop)
    assert term(own, deposited.certificate_id)["state"] == TermState.RESTING


def test_what_an_outage_took_is_no_reason_to_give_up(own: House, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Away(own.wired.workshop.tsa)
    workshop = replace(own.wired.workshop, tsa=away)
    deposited, at = deposit(own, workshop), now()
    for _ in range(raising_flow.TRIES_MAX + 1):
        assert raise_due(workshop, at=at).put_off == 1
        at += raising_flow.BACKOFF_MAX
    with monkeypatch.context() as patch:
        patch.setattr(raising_flow, "raise_pdf", _refuses)
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
    monkeypatch.setattr(raising_flow, "raise_pdf", _refuses)
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


def test_a_key_that_does_not_open_keeps_nobody_elses_file_from_being_raised(own: House) -> None:
    workshop, deposited = own.wired.workshop, [deposit(own) for _ in range(3)]
    broken = deposited[1].certificate_id
    wrap = "UPDATE certificate_holders SET data_key = :key WHERE certificate_id = :id"
    with own.owner.writing(VAULT) as db:
        key = db.execute(
            text("SELECT data_key FROM certificate_holders WHERE certificate_id = :id"), {"id": broken}
        ).scalar_one()
        db.execute(text(wrap), {"id": broken, "key": key[::-1]})
    done = raise_due(workshop, at=now())
    with own.owner.writing(VAULT) as db:
        db.execute(text(wrap), {"id": broken, "key": key})
    assert (done.raised, done.put_off) == (2, 1)
    assert term(own, broken)["failure"] is not None
    raise_all(workshop, now() + SOON)
    assert len(held(own, broken).renditions) == 1


@pytest.mark.parametrize("odd", [ZeroDivisionError, KeyError])
def test_what_nobody_expected_of_one_file_is_told_and_the_others_are_raised(
    own: House, monkeypatch: pytest.MonkeyPatch, odd: type[Exception]
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
    assert "110101190001010016" not in why
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


def unkept(house: House) -> Workshop:
    """The vault as one that need not keep anything."""
    return replace(house.wired.workshop, retention=timedelta(seconds=-1))


def test_the_calendar_goes_by_the_certificates_behind_the_time_stamp(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    raise_all(workshop)
    found = term(own, deposited.certificate_id)
    assert found["state"] == TermState.RESTING
    assert found["due_at"] == found["lasts_until"] - workshop.long_term.margin
    assert found["lasts_until"] > now() + timedelta(days=1000)
    assert set(found["algorithms"]) == {"ecdsa-secp256r1", "sha256"}
    month = f"{found['due_at']:%Y-%m}"
    calendar = calendar_of(workshop, due_before=found["due_at"] + timedelta(days=40))
    assert month in {f"{each.month:%Y-%m}" for each in calendar.months}
    assert not calendar_of(workshop, due_before=now() + timedelta(days=30)).months


def test_a_time_stamp_is_renewed_before_it_ends(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    raise_all(workshop)
    due = term(own, deposited.certificate_id)["due_at"]
    assert raise_due(workshop, at=due - timedelta(seconds=1)).files == 0
    raise_all(workshop, due)
    raised = held(own, deposited.certificate_id)
    assert [each.level for each in files_of(raised)] == [SealLevel.B_LTA, SealLevel.B_LTA, SealLevel.B_T]
    # The authority still has its old certificate: nothing is gained by doing it again at once.
    assert term(own, deposited.certificate_id)["due_at"] > due
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


def test_when_an_algorithm_weakens_everything_under_it_comes_due(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    raise_all(workshop)
    weak = LongTermPolicy(
        SealLevel.B_LTA, grace=timedelta(0), lifetimes={"sha256": now() + timedelta(days=200)}
    )
    afterwards = replace(workshop, long_term=weak)
    assert walk(afterwards, at=now(), progress=lambda _: None)
    due = term(own, deposited.certificate_id)["due_at"]
    assert due - now() < timedelta(days=21)
    assert walk(workshop, at=now(), progress=lambda _: None)
    assert term(own, deposited.certificate_id)["due_at"] > now() + timedelta(days=300)


def test_files_from_before_are_brought_into_the_calendar(own: House) -> None:
    workshop, deposited = own.wired.workshop, deposit(own)
    with own.owner.writing(VAULT) as db:
        db.execute(
            text("DELETE FROM seal_terms WHERE certificate_id = :id"), {"id": deposited.certificate_id}
        )
        db.execute(text("UPDATE seal_term_walk SET done = false, walked_through = NULL"))
    assert walk(workshop, at=now(), progress=lambda _: None)
    assert term(own, deposited.certificate_id)["state"] == TermState.WAITING
    raise_all(workshop)
    assert len(held(own, deposited.certificate_id).renditions) == 1


def test_with_another_target_what_rests_is_raised_further(own: House) -> None:
    timed = replace(own.wired.workshop, long_term=LongTermPolicy(SealLevel.B_T, grace=timedelta(0)))
    deposited = deposit(own, timed)
    walk(timed, at=now(), progress=lambda _: None)
    raise_all(timed)
    assert term(own, deposited.certificate_id)["state"] == TermState.RESTING
    assert held(own, deposited.certificate_id).renditions == ()
    walk(own.wired.workshop, at=now(), progress=lambda _: None)
    raise_all(own.wired.workshop)
    assert [each.document.level for each in held(own, deposited.certificate_id).renditions] == [
        SealLevel.B_LTA
    ]


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


def test_without_an_authority_nothing_is_touched(own: House) -> None:
    deposited = deposit(own)
    without = replace(own.wired.workshop, tsa=None, long_term=LongTermPolicy())
    assert raise_due(without, at=now()).files == 0
    assert walk(without, at=now(), progress=lambda _: None)
    assert term(own, deposited.certificate_id)["tries"] == 0
    raise_all(own.wired.workshop)


def test_renditions_are_never_rewritten(own: House) -> None:
    deposit(own)
    raise_all(own.wired.workshop)
    with pytest.raises(Exception, match="insert-only"), own.owner.writing(VAULT) as db:
        db.execute(renditions.update().values(level="B-B"))


def _refuses(*_: object, **__: object) -> object:
    raise DocumentRefused("It is odd.")
