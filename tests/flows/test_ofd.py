"""Certificates as OFD: of the page that their PDF shows, in the same commit, and known wherever files are."""

import copy
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable

import pypdfium2
import pytest
from sqlalchemy import select

import signing.ofd
from signing.ofd_judge import read_ofd_claims
from storage.seals import NATIONAL, find_seal
from storage.tables import documents, log_leaves, reservations, seal_terms
from tests.conftest import House
from tests.flows.ofd_cases import CARD, ESTATE, LICENCE, OFD, PDF, file_of, request_as
from tests.flows.test_deposit import case_of, deposited
from tests.requests import example_request
from tests.trials import checked, now
from vault.deposit import receipt_json
from vault.download import document_for_client
from vault.errors import Conflict, InputError, IntegrityError, NotFound
from vault.lookup import FOR_CLIENTS, summary_json
from vault.model.certificate import CertificateRecord, SealLevel
from vault.model.scope import VAULT
from vault.model.verdict import Altered, CheckResult, Genuine, SignatureKind, Verification
from vault.second_look import second_look
from vault.verify import by_file, report_json

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def certificate(house: House) -> CertificateRecord:
    """A business licence as both."""
    return deposited(house, request_as(house, "pdf", "ofd")).certificates[0]


def changed(ofd: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The package written anew by another program, with its files changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ofd)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def results(report: Verification) -> dict[str, CheckResult]:
    return {check.name: check.result for check in report.checks}


def pages(pdf: bytes) -> list[str]:
    """The text of each page."""
    with pypdfium2.PdfDocument(pdf) as opened:
        return [page.get_textpage().get_text_range() for page in opened]


# ---- making them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [LICENCE, CARD, ESTATE])
def test_both_are_in_one_answer_the_pdf_first(house: House, name: str) -> None:
    (made,) = deposited(house, request_as(house, "ofd", "pdf", names=(name,))).certificates
    levels = [(each.format, each.level) for each in made.documents]
    assert levels == [(PDF, SealLevel.B_T), (OFD, SealLevel.SES_V4)]
    with house.wired.workshop.database.reading(VAULT) as db:
        seals = [find_seal(db, str(each.seal_id)) for each in made.documents]
    assert [None if seal is None else seal.purpose for seal in seals] == [None, NATIONAL]
    assert {seal.authority for seal in seals if seal is not None} == {made.issuing_authority}


def test_the_receipt_and_the_leaf_name_both(house: House, certificate: CertificateRecord) -> None:
    receipt = receipt_json(certificate, "https://vault.example")
    assert [each["format"] for each in receipt["documents"]] == ["pdf", "ofd"]
    assert receipt["documents"][1]["seal_level"] == "SES-V4"
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(log_leaves.c.leaf).where(log_leaves.c.certificate_id == certificate.certificate_id)
        (leaf,) = db.execute(query).scalars()
    told = [{key: each[key] for key in ("format", "sha256", "sm3")} for each in receipt["documents"]]
    assert json.loads(leaf)["documents"] == told


def test_the_ofd_claims_the_same_certificate_as_the_pdf(house: House, certificate: CertificateRecord) -> None:
    claims = read_ofd_claims(file_of(house, certificate, OFD))
    assert certificate.identifier in claims.identifiers
    (page,) = pages(file_of(house, certificate, PDF))
    assert certificate.verification_code in page.replace(" ", "")
    with zipfile.ZipFile(io.BytesIO(file_of(house, certificate, OFD))) as ofd:
        assert json.loads(ofd.read("Doc_0/Attachs/face.json"))["fields"] == dict(certificate.fields)


def test_a_case_with_results_as_this_and_as_that(house: House) -> None:
    request = request_as(house, "ofd", names=(LICENCE, ESTATE, "食品经营许可证"))
    request["results"][1]["formats"] = ["pdf", "ofd"]
    request["results"][2]["formats"] = ["pdf"]
    made = deposited(house, request).certificates
    assert [[each.format for each in one.documents] for one in made] == [[OFD], [PDF, OFD], [PDF]]
    assert second_look(house.wired.workshop, case_of(house, deposited(house, request))) == 4


def test_the_same_case_again_is_the_same_whatever_the_order_of_formats(house: House) -> None:
    request = request_as(house, "pdf", "ofd")
    first = deposited(house, request)
    again = copy.deepcopy(request)
    again["results"][0]["formats"] = ["ofd", "pdf"]
    answered = deposited(house, again)
    assert (answered.repeated, answered.certificates) == (True, first.certificates)
    del again["results"][0]["formats"]
    assert deposited(house, again).certificates == first.certificates
    again["results"][0]["formats"] = ["ofd"]
    with pytest.raises(Conflict) as caught:
        deposited(house, again)
    assert all(each.pointer.startswith("/results/0/formats") for each in caught.value.problems)


def test_who_asks_for_no_format_gets_the_pdf_alone(house: House) -> None:
    request = request_as(house)
    del request["results"][0]["formats"]
    (made,) = deposited(house, request).certificates
    assert [each.format for each in made.documents] == [PDF]


@pytest.mark.parametrize("formats", [["ofd"], ["pdf", "ofd"], ["pdf", "pdf"], []])
def test_a_kind_that_is_not_made_so_is_refused(house: House, formats: list[str]) -> None:
    request = example_request(house.catalogue)
    request["results"][0]["formats"] = formats
    with pytest.raises(InputError) as caught:
        deposited(house, request)
    assert [problem.pointer for problem in caught.value.problems] == ["/results/0/formats"]


def test_a_deposit_of_pdfs_loads_no_maker_of_ofds() -> None:
    code = "import sys, vault.deposit, api.wiring; print([m for m in sys.modules if m == 'signing.ofd'])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b"[]"


# ---- step 5 ------------------------------------------------------------------------------------------------


Sealing = Callable[..., bytes]


def _a_page_changed(seal: Sealing, document: bytes, how: dict[str, object]) -> bytes:
    sealed = seal(document, **how)
    return changed(sealed, lambda name, was: was + b" " if name.endswith("Content.xml") else was)


def _not_closed(seal: Sealing, document: bytes, how: dict[str, object]) -> bytes:
    return seal(document, **{**how, "closing_key": None})


def _closed_by_another(seal: Sealing, document: bytes, how: dict[str, object]) -> bytes:
    """Whole, but by the authority's own key instead of the platform's."""
    return seal(document, **{**how, "closing_key": how["key"]})


@pytest.mark.parametrize("fault", [_a_page_changed, _not_closed, _closed_by_another])
def test_what_the_reader_does_not_find_as_it_should_be_is_not_committed(
    house: House, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., bytes]
) -> None:
    seal = signing.ofd.seal_ofd
    monkeypatch.setattr(signing.ofd, "seal_ofd", lambda document, **how: fault(seal, document, how))
    request = request_as(house, "pdf", "ofd")
    with pytest.raises(IntegrityError, match="just sealed"):
        deposited(house, request)
    monkeypatch.undo()
    assert deposited(house, request).repeated is False


# ---- verification ------------------------------------------------------------------------------------------


def test_our_very_bytes_are_genuine_and_prove_no_time(house: House, certificate: CertificateRecord) -> None:
    report = by_file(house.wired.workshop, file_of(house, certificate, OFD), at=now())
    assert isinstance(report.verdict, Genuine)
    assert results(report)["seal_time"] is CheckResult.UNKNOWN
    shown = report_json(report)["certificate"]["documents"]
    assert [each["format"] for each in shown] == ["pdf", "ofd"]


def test_an_altered_ofd_is_told_with_the_record(house: House, certificate: CertificateRecord) -> None:
    def other(name: str, content: bytes) -> bytes:
        return content.replace("样例".encode(), "样品".encode()) if name.endswith("Content.xml") else content

    ofd = file_of(house, certificate, OFD)
    report = by_file(house.wired.workshop, changed(ofd, other), at=now())
    assert isinstance(report.verdict, Altered)
    found = results(report)
    assert found["file_unchanged"] is found["seal_genuine"] is CheckResult.FAILED


def test_an_ofd_that_was_only_packed_anew_bears_the_seals_on_record(
    house: House, certificate: CertificateRecord
) -> None:
    again = changed(file_of(house, certificate, OFD), lambda _, content: content)
    report = by_file(house.wired.workshop, again, at=now())
    assert isinstance(report.verdict, Altered)
    found = results(report)
    assert found["seal_genuine"] is found["entitled"] is CheckResult.PASSED
    assert found["recorded_signatures"] is CheckResult.PASSED
    assert [seal.kind for seal in report.seals] == [SignatureKind.SEAL, SignatureKind.SIGNATURE]


# ---- whoever else knows of files ---------------------------------------------------------------------------


def test_each_is_downloaded_under_its_own_name(house: House, certificate: CertificateRecord) -> None:
    for wanted, media_type in ((PDF, "application/pdf"), (OFD, "application/ofd")):
        file = document_for_client(
            house.wired.workshop, house.client, certificate.certificate_id, wanted, at=now()
        )
        assert file.media_type == media_type
        assert file.file_name == f"{certificate.identifier}.{wanted}"
        assert file.content == file_of(house, certificate, wanted)
    summary = summary_json(certificate, house.wired.workshop.shelf.types(now()), files_at=FOR_CLIENTS)
    for wanted, shown in zip((PDF, OFD), summary["documents"], strict=True):
        assert f"format={wanted}&sha256=" in shown["href"]


def test_a_certificate_without_a_pdf_says_what_there_is(house: House) -> None:
    (made,) = deposited(house, request_as(house, "ofd")).certificates
    with pytest.raises(NotFound, match="not made as pdf, but as ofd"):
        document_for_client(house.wired.workshop, house.client, made.certificate_id, PDF, at=now())
    assert isinstance(by_file(house.wired.workshop, file_of(house, made, OFD), at=now()).verdict, Genuine)
    with house.wired.workshop.database.reading(VAULT) as db:
        row = db.execute(
            select(reservations.c.grant_id, reservations.c.national_grant_id).where(
                reservations.c.certificate_id == made.certificate_id
            )
        ).one()
    assert row.grant_id is None
    assert row.national_grant_id is not None


def test_only_the_pdf_is_raised(house: House, certificate: CertificateRecord) -> None:
    query = select(seal_terms.c.format).where(seal_terms.c.certificate_id == certificate.certificate_id)
    with house.wired.workshop.database.reading(VAULT) as db:
        assert list(db.execute(query).scalars()) == ["pdf"]
        rows = select(documents.c.format).where(documents.c.certificate_id == certificate.certificate_id)
        assert sorted(db.execute(rows).scalars()) == ["ofd", "pdf"]


def test_fsck_finds_nothing_wrong_and_what_is_lost(house: House, certificate: CertificateRecord) -> None:
    assert certificate.documents
    assert checked(house).problems == ()
