"""Seals raised in the background: what comes of a file, of its record, and of whoever works on it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import RowMapping, func, select, text

from signing.keys import load_file_key
from signing.revocation import development_sources
from signing.timestamp import DevelopmentTimeStampAuthority, TimeStampAuthority
from signing.trust import LEAF_VALIDITY, IssuedKey, certificates_der, issue_timestamp_certificate
from signing.validate import Trust, judge_pdf
from storage.blobs import BlobStore
from storage.certificates import record
from storage.embedded import EngineAddresses
from storage.objects import FiledObject, prove_object
from storage.tables import audit_events, log_leaves, renditions, seal_terms
from tests.conftest import House
from tests.flows.ofd_cases import OFD, PDF, request_as
from tests.requests import example_request
from tests.trials import broken_off_after, checked, now, together
from tests.vaults import own_vault
from vault.deposit import hand_in, receipt_json
from vault.download import ProvenFile, document_for_client, proven_document
from vault.errors import DocumentRefused, NotFound, Unavailable
from vault.evidence import make_evidence
from vault.founding import SecretsFolder
from vault.log_auditor import about_document, about_proof
from vault.lookup import FOR_CLIENTS, summary_json
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

SOON = timedelta(minutes=2)


@pytest.fixture(scope="module")
def own(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault in which nobody else's files come due."""
    with raising_vault(engines, tmp_path_factory.mktemp("raising"), "raising") as house:
        yield house


@contextmanager
def raising_vault(engines: EngineAddresses, folder: Path, name: str) -> Iterator[House]:
    """A vault of one test module's own, whose authority says by `CLOCK` what was revoked."""
    with own_vault(engines, folder, name) as house:
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
    end_all(own)


def end_all(house: House) -> None:
    """Nothing is due any more, and it is the real time."""
    CLOCK.at = None
    with house.owner.writing(VAULT) as db:
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
        patch.setattr(raising_flow, "raise_pdf", refuses)
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


def refuses(*_: object, **__: object) -> object:
    raise DocumentRefused("It is odd.")


def test_an_ofd_is_left_alone_while_its_pdf_is_raised(own: House) -> None:
    """Neither the trigger nor the walk through what was there before gives it a term."""
    workshop, request = own.wired.workshop, request_as(own, "pdf", "ofd")
    (deposited,) = hand_in(workshop, own.client, request, at=now()).certificates
    assert term(own, deposited.certificate_id)["format"] == PDF
    with own.owner.writing(VAULT) as db:
        gone = {"id": deposited.certificate_id}
        db.execute(text("DELETE FROM seal_terms WHERE certificate_id = :id"), gone)
        db.execute(text("UPDATE seal_term_walk SET done = false, walked_through = NULL"))
    walk(workshop, at=now(), progress=lambda _: None)
    assert term(own, deposited.certificate_id)["format"] == PDF
    while raise_due(workshop, at=now() + SOON).raised:
        pass
    raised = held(own, deposited.certificate_id)
    assert [each.format for each in raised.documents] == [PDF, OFD]
    assert {each.document.format for each in raised.renditions} == {PDF}
    assert [each.level for each in files_of(raised) if each.format is OFD] == [SealLevel.SES_V4]
    assert seal_health(workshop, at=now()).given_up == 0
    assert checked(own).problems == ()
