"""Seals for the long term, with an authority by other hands (certomancer) and a second opinion (pyHanko)."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.diff_analysis import ModificationLevel

from signing import revocation
from signing.algorithms import LIFETIMES, earliest_end, key_algorithm
from signing.appearance import SealAppearance
from signing.judge.revocation import RevocationKnowledge, ocsp_answer
from signing.pades import long_term
from signing.pades.long_term import ValidationData, append_time_stamp, append_validation_data
from signing.raising import RaisedPdf, lasting, raise_pdf
from signing.revocation import ASK_AGAIN_AFTER, KEPT_MAX, RevocationSource, RevocationSources
from signing.seal import seal_pdf
from signing.timestamp import HttpTimeStampAuthority, TimeStampAuthority
from signing.validate import Trust, judge_pdf
from tests.authority import Authority, running_authority
from tests.signing.dripping import dripping
from tests.signing.pyhanko_lta import lta_opinion
from tests.signing.workshop import PICTURE, QR, pyhanko_opinions, qpdf_complaint, sample, tiny_pdf
from vault.errors import DocumentRefused, SignatureError, Unavailable
from vault.model.certificate import SealLevel
from vault.model.verdict import CheckResult, Indication, SealReport, SignatureKind

DAY = timedelta(days=1)
NEEDED = RevocationKnowledge(required=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """An authority that began a thousand days ago, so that pyHanko, which reads the clock, sees the past."""
    began = datetime.now(UTC) - 1001 * DAY
    with running_authority(tmp_path_factory.mktemp("authority"), began=began) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_it_was(authority: Authority) -> Iterator[None]:
    yield
    authority.clock = None
    authority.refuses.clear()
    authority.asked.clear()


def at(authority: Authority, days: float) -> datetime:
    """So many days after it began; it is that time there from now on."""
    authority.clock = authority.began + days * DAY + timedelta(minutes=1)
    return authority.clock


def tsa_of(authority: Authority, name: str = "tsa") -> HttpTimeStampAuthority:
    return HttpTimeStampAuthority(authority.at(f"tsa/{name}"), 10)


def sealed(
    authority: Authority,
    moment: datetime,
    *,
    key: str = "seal",
    tsa: TimeStampAuthority | None = None,
    document: bytes | None = None,
) -> bytes:
    appearance = SealAppearance(PICTURE, page=1, x_mm=150, y_mm=200, diameter_mm=42, qr=QR)
    return seal_pdf(
        document or tiny_pdf(),
        key=authority.key(key),
        appearance=appearance,
        field_name="certvault-seal",
        reason="电子证照签发",
        location="样例市",
        at=moment,
        tsa=tsa,
    ).content


def raised(
    authority: Authority,
    document: bytes,
    moment: datetime,
    *,
    target: SealLevel = SealLevel.B_LTA,
    tsa: TimeStampAuthority | None = None,
    sources: RevocationSources | None = None,
) -> RaisedPdf:
    return raise_pdf(
        document,
        target=target,
        roots=[authority.root],
        tsa=tsa or tsa_of(authority),
        sources=sources or authority.revocation(),
        at=moment,
    )


def judged(
    authority: Authority, content: bytes, moment: datetime, knowledge: RevocationKnowledge = NEEDED
) -> SealReport:
    reports = judge_pdf(content, trust=Trust((authority.root,), knowledge=knowledge), at=moment)
    (report,) = (report for report in reports if report.kind is SignatureKind.SEAL)
    return report


def failed(report: SealReport) -> set[str]:
    return {check.name for check in report.checks if check.result is CheckResult.FAILED}


def todays_lists(authority: Authority) -> list[bytes]:
    authority.clock = None
    names = ("root", "seals", "stamps", "stamps2")
    return [httpx.get(authority.at(f"crls/{name}/latest.crl")).content for name in names]


def checked_by_all(authority: Authority, content: bytes, moment: datetime, folder: Path) -> SealReport:
    """Our judge, pyHanko and qpdf find nothing to say against it."""
    report = judged(authority, content, moment)
    assert report.indication is Indication.TOTAL_PASSED, report
    logging.disable(logging.CRITICAL)
    try:
        opinion, level = lta_opinion(content, authority.root, todays_lists(authority))
    finally:
        logging.disable(logging.NOTSET)
    assert opinion is AdESPassed.OK
    assert level is ModificationLevel.LTA_UPDATES
    assert qpdf_complaint(content, folder) is None
    return report


def checked_without_archive(
    authority: Authority, content: bytes, moment: datetime, folder: Path
) -> SealReport:
    """As `checked_by_all`, where pyHanko judges the seal and what was added, and not the archive."""
    report = judged(authority, content, moment)
    assert report.indication is Indication.TOTAL_PASSED, report
    (opinion,) = pyhanko_opinions(content, authority.root)
    assert opinion.bottom_line
    assert opinion.modification_level is ModificationLevel.LTA_UPDATES
    assert qpdf_complaint(content, folder) is None
    return report


@pytest.mark.parametrize("xref_stream", [False, True])
@pytest.mark.parametrize("target", [SealLevel.B_LT, SealLevel.B_LTA])
def test_a_timed_seal_is_raised(
    authority: Authority,
    target: SealLevel,
    xref_stream: bool,  # noqa: FBT001 - pytest gives it by name
    tmp_path: Path,
) -> None:
    first = at(authority, 1)
    document = sealed(authority, first, tsa=tsa_of(authority), document=tiny_pdf(xref_stream=xref_stream))
    later = at(authority, 4)
    done = raised(authority, document, later, target=target)
    assert done.level is target
    assert done.content.startswith(document)
    if target is SealLevel.B_LTA:
        report = checked_by_all(authority, done.content, later, tmp_path)
    else:
        report = checked_without_archive(authority, done.content, later, tmp_path)
    assert report.proven_at == first.replace(microsecond=0)


def test_a_seal_without_time_gets_one_first_and_then_the_rest(authority: Authority, tmp_path: Path) -> None:
    document = sealed(authority, at(authority, 1))
    stamped_at = at(authority, 2)
    timed = raised(authority, document, stamped_at)
    assert timed.level is SealLevel.B_T
    assert judged(
        authority, timed.content, stamped_at, RevocationKnowledge()
    ).proven_at == stamped_at.replace(microsecond=0)
    later = at(authority, 5)
    done = raised(authority, timed.content, later)
    assert done.level is SealLevel.B_LTA
    assert done.content.startswith(timed.content)
    # pyHanko's procedure for archives wants a time-stamp in the seal itself; as a file it finds it whole
    report = checked_without_archive(authority, done.content, later, tmp_path)
    assert report.proven_at == stamped_at.replace(microsecond=0)


def test_it_is_renewed_again_and_again(authority: Authority, tmp_path: Path) -> None:
    first = at(authority, 1)
    content = sealed(authority, first, tsa=tsa_of(authority))
    for days in (4, 400, 800):
        moment = at(authority, days)
        content = raised(authority, content, moment, tsa=tsa_of(authority, "tsa2")).content
    assert checked_by_all(authority, content, moment, tmp_path).proven_at == first.replace(microsecond=0)


def test_a_renewed_seal_outlives_every_certificate_behind_it(authority: Authority) -> None:
    timed = sealed(authority, at(authority, 1), tsa=tsa_of(authority))
    archived = raised(authority, timed, at(authority, 4)).content
    moment = at(authority, 1000)
    renewed = raised(authority, archived, moment, tsa=tsa_of(authority, "tsa2")).content
    after_all = authority.began + (3 * 365 + 30) * DAY
    for content in (timed, archived):
        report = judged(authority, content, after_all, RevocationKnowledge())
        assert (report.indication, report.sub_indication) == (
            Indication.INDETERMINATE,
            "OUT_OF_BOUNDS_NO_POE",
        )
    assert judged(authority, renewed, after_all).indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize(
    "name",
    [
        "pifu-chromium.pdf",
        "pifu-libreoffice-pdfa2b.pdf",
        "pifu-qpdf-objstm.pdf",
        "pifu-qpdf-linearized.pdf",
        "scan-gs.pdf",
    ],
)
def test_files_of_other_producers_are_raised(authority: Authority, name: str, tmp_path: Path) -> None:
    document = sealed(authority, at(authority, 1), tsa=tsa_of(authority), document=sample(name))
    later = at(authority, 4)
    checked_by_all(authority, raised(authority, document, later).content, later, tmp_path)


def test_revoked_after_the_proven_time_a_seal_is_still_good(authority: Authority) -> None:
    document = sealed(authority, at(authority, 1), key="revoked", tsa=tsa_of(authority))
    later = at(authority, 20)
    done = raised(authority, document, later)
    assert judged(authority, done.content, later).indication is Indication.TOTAL_PASSED


def test_revoked_before_the_proven_time_it_is_bad(authority: Authority) -> None:
    moment = at(authority, 12)
    document = sealed(authority, moment, key="revoked", tsa=tsa_of(authority))
    with pytest.raises(SignatureError, match="revoked") as refused:
        raised(authority, document, moment)
    assert refused.value.reason == "REVOKED"
    report = judged(authority, document, moment, known(authority, moment))
    assert "revocation" in failed(report)
    assert (report.indication, report.sub_indication) == (Indication.TOTAL_FAILED, "REVOKED")


def test_revoked_before_the_proven_time_and_backdated_it_cannot_pass(authority: Authority) -> None:
    class ElsewhereInTime:
        """Stamps at its own time, whatever time the seal claims."""

        token_room_bytes = 4096

        def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
            """A token of today."""
            del at
            return tsa_of(authority).stamp(digest_sha256, moment)

    moment = at(authority, 12)
    document = sealed(authority, moment - 5 * DAY, key="revoked", tsa=ElsewhereInTime())
    report = judged(authority, document, moment, known(authority, moment))
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "REVOKED_NO_POE")


@pytest.mark.parametrize("days", [1, 12])
def test_revoked_and_without_proven_time_it_is_undecided(authority: Authority, days: int) -> None:
    document = sealed(authority, at(authority, days), key="revoked")
    moment = at(authority, 20)
    report = judged(authority, document, moment, known(authority, moment))
    assert failed(report) == {"revocation"}
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "REVOKED_NO_POE")


def test_where_revocation_is_not_known_nothing_is_valid(authority: Authority) -> None:
    moment = at(authority, 1)
    document = sealed(authority, moment, tsa=tsa_of(authority))
    report = judged(authority, document, moment)
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "TRY_LATER")
    authority.refuses |= {"ocsp", "crls"}
    with pytest.raises(Unavailable):
        raised(authority, document, at(authority, 3))


def test_where_a_responder_is_away_its_authority_s_list_will_do(authority: Authority) -> None:
    document = sealed(authority, at(authority, 1), tsa=tsa_of(authority))
    authority.refuses.add("ocsp")
    later = at(authority, 4)
    done = raised(authority, document, later)
    assert judged(authority, done.content, later).indication is Indication.TOTAL_PASSED


def test_an_answer_from_before_the_seal_is_not_embedded(authority: Authority) -> None:
    """A list of this morning says nothing of a seal of this afternoon."""
    authority.refuses.add("ocsp")
    document = sealed(authority, at(authority, 1.5), tsa=tsa_of(authority))
    with pytest.raises(Unavailable, match="from after the seal") as early:
        raised(authority, document, at(authority, 1.6))
    assert 60 <= early.value.retry_after_s <= 3600 + 1
    assert raised(authority, document, at(authority, 2.5)).level is SealLevel.B_LTA


def test_without_a_source_for_an_issuer_it_is_refused(authority: Authority) -> None:
    document = sealed(authority, at(authority, 1), tsa=tsa_of(authority))
    only_root = RevocationSources(authority.sources()[:1])
    with pytest.raises(SignatureError, match=r"test (stamps|seals)") as refused:
        raised(authority, document, at(authority, 4), sources=only_root)
    assert refused.value.reason == "no-source"


def test_many_files_cost_as_many_questions_as_one(authority: Authority) -> None:
    documents = [sealed(authority, at(authority, 1), tsa=tsa_of(authority)) for _ in range(12)]
    later, sources, tsa = at(authority, 4), authority.revocation(), tsa_of(authority)
    authority.asked.clear()
    for document in documents:
        raised(authority, document, later, sources=sources, tsa=tsa)
    questions = [path for path in authority.asked if "/tsa/" not in path]
    assert sorted(questions) == [
        "/city/crls/root/latest.crl",
        "/city/crls/stamps/latest.crl",
        "/city/ocsp/seals",
    ]
    raised(authority, documents[0], later + KEPT_MAX, sources=sources, tsa=TwiceAsLate(tsa))
    assert len([path for path in authority.asked if "/tsa/" not in path]) == 6


def test_an_answer_that_is_kept_grows_old_also_while_its_source_is_away(authority: Authority) -> None:
    """Asking in vain does not make it any younger."""
    made_at, sources = at(authority, 4), authority.revocation()
    path = [x509.load_der_x509_certificate(authority.certificate(name)) for name in ("seal", "seals")]
    since = made_at - DAY
    sources.answers(path, since=since, now=made_at)
    authority.refuses |= {"ocsp", "crls"}
    for moment in (made_at + KEPT_MAX, made_at + KEPT_MAX + ASK_AGAIN_AFTER / 2):
        with pytest.raises(Unavailable):
            sources.answers(path, since=since, now=moment)
    authority.refuses.clear()
    sources.answers(path, since=since, now=made_at + KEPT_MAX + ASK_AGAIN_AFTER)


class TwiceAsLate:
    """Stamps with the authority's own time, which the test left where it was."""

    def __init__(self, behind: TimeStampAuthority) -> None:
        self._behind = behind
        self.token_room_bytes = behind.token_room_bytes

    def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
        """A token that is an hour behind."""
        return self._behind.stamp(digest_sha256, at - KEPT_MAX)


def test_no_address_in_a_certificate_is_followed(authority: Authority) -> None:
    """They lead to a host that does not exist; what is configured is all that is asked."""
    certificate = x509.load_der_x509_certificate(authority.certificate("seal"))
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert "nowhere.invalid" in str(points)
    document = sealed(authority, at(authority, 1), tsa=tsa_of(authority))
    assert raised(authority, document, at(authority, 4)).level is SealLevel.B_LTA


def test_what_a_file_has_is_not_stored_twice(authority: Authority) -> None:
    document = sealed(authority, at(authority, 1), tsa=tsa_of(authority))
    data = ValidationData((authority.root,))
    once = append_validation_data(document, data)
    assert append_validation_data(once, data) == once
    assert append_validation_data(document, ValidationData()) == document
    assert sha256(once).digest() != sha256(document).digest()


def answered_by(authority: Authority, *extensions: x509.ExtensionType) -> bytes:
    """A good OCSP response about the seal, by a responder whose certificate has these extensions alone."""
    issuer = x509.load_der_x509_certificate(authority.certificate("seals"))
    subject = x509.load_der_x509_certificate(authority.certificate("seal"))
    issuing = load_der_private_key((authority.folder / "seals.der").read_bytes(), None)
    assert isinstance(issuing, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "responder")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer.subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(authority.began).not_valid_after(authority.began + 1000 * DAY)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(issuing, SHA256())
    made_at = authority.began + 2 * DAY
    response = ocsp.OCSPResponseBuilder().add_response(
        subject, issuer, SHA256(), ocsp.OCSPCertStatus.GOOD, made_at, made_at + DAY, None, None
    )
    response = response.responder_id(ocsp.OCSPResponderEncoding.NAME, certificate)
    return response.certificates([certificate]).sign(key, SHA256()).public_bytes(Encoding.DER)


RESPONDERS: dict[str, tuple[x509.ExtensionType, ...]] = {
    "without id-pkix-ocsp-nocheck": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),),
    "without a purpose": (x509.OCSPNoCheck(),),
}


@pytest.mark.parametrize("what", RESPONDERS)
def test_an_answer_by_a_responder_of_another_kind_is_left_out(authority: Authority, what: str) -> None:
    """By the judge, and by who asks: the authority's list will do."""
    response, later = answered_by(authority, *RESPONDERS[what]), at(authority, 4)
    document = sealed(authority, at(authority, 1), tsa=tsa_of(authority))
    at(authority, 4)
    asked = [
        replace(source, ocsp_url="here:ocsp") if source.ocsp_url is not None else source
        for source in authority.sources()
    ]
    done = raised(
        authority,
        document,
        later,
        sources=RevocationSources(asked, made_here={"here:ocsp": lambda: response}),
    )
    assert done.level is SealLevel.B_LTA
    with_it = append_validation_data(done.content, ValidationData(ocsps=(response,)))
    assert judged(authority, with_it, later).indication is Indication.TOTAL_PASSED


def test_the_scaffold_of_these_responders_is_believed(authority: Authority) -> None:
    both = [extension for each in RESPONDERS.values() for extension in each]
    subject, issuer = (x509.load_der_x509_certificate(authority.certificate(n)) for n in ("seal", "seals"))
    assert ocsp_answer(answered_by(authority, *both), subject, issuer).revoked_at is None


def test_a_token_longer_than_its_room_gets_more(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpTimeStampAuthority, "token_room_bytes", 100)
    moment = at(authority, 1)
    content = append_time_stamp(sealed(authority, moment), tsa=tsa_of(authority), at=moment)
    assert judged(authority, content, moment, RevocationKnowledge()).indication is Indication.TOTAL_PASSED
    assert long_term.TIME_STAMP_FIELD.encode() in content


@pytest.mark.parametrize("as_document", [False, True])
def test_a_newer_stamp_proves_an_older_one_also_at_its_own_second(
    authority: Authority,
    as_document: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    """The older one's authority is revoked later: what is proven to be from before stands."""
    first = at(authority, 1)
    document = sealed(authority, first, tsa=None if as_document else tsa_of(authority))
    if as_document:
        document = append_time_stamp(document, tsa=tsa_of(authority), at=first)
    now = at(authority, 4)
    renewed = append_time_stamp(document, tsa=tsa_of(authority, "tsa2"), at=now)
    issuer = x509.load_der_x509_certificate(authority.certificate("stamps"))
    issuing = load_der_private_key((authority.folder / "stamps.der").read_bytes(), None)
    assert isinstance(issuing, ec.EllipticCurvePrivateKey)
    serial = x509.load_der_x509_certificate(authority.certificate("tsa")).serial_number
    gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now + DAY / 2).build()
    listed = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
    listed = listed.last_update(now + DAY).next_update(now + 2 * DAY).add_revoked_certificate(gone)
    crl = listed.sign(issuing, SHA256()).public_bytes(Encoding.DER)
    for content, indication in (
        (document, Indication.INDETERMINATE),
        (renewed, Indication.TOTAL_PASSED),
    ):
        report = judged(authority, content, now, RevocationKnowledge(crls=(crl,)))
        assert report.indication is indication, report


class Growing:
    """An authority each of whose tokens is longer than the one before."""

    token_room_bytes = 100

    def __init__(self, behind: TimeStampAuthority) -> None:
        self._behind, self.asked = behind, 0

    def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
        """A token that is longer by a kilobyte each time."""
        self.asked += 1
        if self.asked > 9:
            raise RuntimeError("asked for ever")
        return self._behind.stamp(digest_sha256, at) + bytes(1024 * self.asked)


def test_an_authority_whose_tokens_grow_is_not_asked_for_ever(authority: Authority) -> None:
    moment = at(authority, 1)
    growing = Growing(tsa_of(authority))
    with pytest.raises(Unavailable, match="grow"):
        append_time_stamp(sealed(authority, moment), tsa=growing, at=moment)
    assert growing.asked == long_term.TRIES
    with pytest.raises(Unavailable, match="grow"):
        sealed(authority, moment, tsa=Growing(tsa_of(authority)))


def test_a_source_that_drips_does_not_answer(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "ANSWER_WITHIN_S", 0.5)
    path = [x509.load_der_x509_certificate(authority.certificate(name)) for name in ("seal", "seals")]
    with dripping() as url:
        sources = RevocationSources((RevocationSource(authority.certificate("seals"), None, url),))
        with pytest.raises(Unavailable, match="does not answer"):
            sources.answers(path, since=authority.began, now=authority.began)


@pytest.mark.parametrize("entry", [{"/DSS": 5}, {"/DSS": {"/Certs": 5}}, {"/DSS": {"/Certs": [5]}}])
def test_a_damaged_structure_is_refused(authority: Authority, entry: dict[str, Any]) -> None:
    document = sealed(authority, at(authority, 1), document=tiny_pdf(catalogue=entry))
    with pytest.raises(DocumentRefused):
        lasting(document, roots=[authority.root])


def test_how_long_it_lasts_is_read_from_the_newest_time_stamp(authority: Authority) -> None:
    moment = at(authority, 1)
    document = sealed(authority, moment, tsa=tsa_of(authority))
    found = lasting(document, roots=[authority.root])
    assert found.until == authority.began + 3 * 365 * DAY
    assert found.since == moment.replace(microsecond=0)
    assert found.algorithms == ("ecdsa-secp256r1", "sha256")
    renewed = raised(authority, document, at(authority, 4), tsa=tsa_of(authority, "tsa2"))
    assert renewed.lasting.until == authority.began + 6 * 365 * DAY
    bare = lasting(sealed(authority, moment), roots=[authority.root])
    assert bare.since is None


def test_an_algorithm_that_is_not_known_is_counted_on_no_longer() -> None:
    assert earliest_end(["sha256", "ecdsa-secp256r1"]) == LIFETIMES["ecdsa-secp256r1"]
    assert earliest_end(["sha256", "sha1"]) < datetime(1900, 1, 1, tzinfo=UTC)


def test_keys_have_the_names_that_lifetimes_go_by(authority: Authority) -> None:
    certificate = x509.load_der_x509_certificate(authority.certificate("tsa"))
    assert key_algorithm(certificate) in LIFETIMES


def known(authority: Authority, moment: datetime) -> RevocationKnowledge:
    """What the authority says at this time of all that it issued."""
    authority.clock = moment
    names = ("root", "seals", "stamps", "stamps2")
    # Lists name what was revoked until they were made: the next one after the moment
    authority.clock = moment + DAY
    crls = [httpx.get(authority.at(f"crls/{name}/latest.crl")).content for name in names]
    return RevocationKnowledge(crls=tuple(crls), required=True)
