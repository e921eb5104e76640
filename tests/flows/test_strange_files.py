"""Files that are not ours byte for byte: altered ones, with what the record says; others are foreign."""

from datetime import timedelta
from io import BytesIO

import pikepdf
import pytest

from signing.confined import Judges
from tests.conftest import House
from tests.files import sealed_bytes
from tests.flows.test_deposit import deposited
from tests.papers import new_pdf
from tests.requests import example_request
from tests.signing.ofd_judge import attacks as ofd_attacks
from tests.signing.ofd_judge import making as ofd
from tests.signing.workshop import new_workshop, tiny_pdf
from tests.trials import now
from vault.model.certificate import CertificateRecord
from vault.model.verdict import Altered, CheckResult, Foreign, Genuine, Unrecognised, Verification
from vault.verify import by_file, report_json

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


def judged(house: House, content: bytes) -> Verification:
    return by_file(house.wired.workshop, content, at=now())


def results(report: Verification) -> dict[str, CheckResult]:
    return {check.name: check.result for check in report.checks}


def updated(content: bytes) -> bytes:
    """The file with an incremental update behind it: another title."""
    start = content.rindex(b"startxref") + len(b"startxref\n")
    last = int(content[start:].split()[0])
    with pikepdf.open(BytesIO(content)) as pdf:
        root, size = pdf.Root.objgen[0], int(pdf.trailer.Size)
    body = b"%d 0 obj\n<</Title(other)>>\nendobj\n" % size
    trailer = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/Prev %d>>\n" % (size + 1, root, size, last)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (size, len(content))
    return content + body + table + trailer + b"startxref\n%d\n%%%%EOF\n" % (len(content) + len(body))


def printed_again(content: bytes) -> bytes:
    """The page without its seal, saved anew by another program; text and QR stay."""
    with pikepdf.open(BytesIO(content)) as pdf:
        del pdf.Root.AcroForm
        del pdf.Root.Perms
        del pdf.pages[0].obj.Annots
        out = BytesIO()
        pdf.save(out)
    return out.getvalue()


def without_its_qr(content: bytes) -> bytes:
    """Only the identifier is left of it: a page that bears it in its information."""
    with pikepdf.open(BytesIO(content)) as old, pikepdf.open(BytesIO(new_pdf())) as pdf:
        pdf.docinfo["/Keywords"] = str(old.docinfo["/Keywords"])
        out = BytesIO()
        pdf.save(out)
    return out.getvalue()


def test_our_very_bytes_are_told_apart_from_what_they_say(
    house: House, certificate: CertificateRecord
) -> None:
    report = judged(house, sealed_bytes(house, certificate))
    assert isinstance(report.verdict, Genuine)
    found = results(report)
    assert list(found)[:4] == ["file_unchanged", "seal_genuine", "entitled", "in_force"]
    assert set(found) >= {"logged"}
    assert found["file_unchanged"] is found["entitled"] is CheckResult.PASSED


def test_an_update_behind_our_file_is_altered_and_the_record_is_told(
    house: House, certificate: CertificateRecord
) -> None:
    report = judged(house, updated(sealed_bytes(house, certificate)))
    assert isinstance(report.verdict, Altered)
    shown = report_json(report)
    assert shown["certificate"]["identifier"] == certificate.identifier
    assert shown["certificate"]["number"]
    assert all(
        holder.code.value not in str(shown)
        for holder in certificate.holders
        if holder.code.code_type == "111"
    )
    found = results(report)
    assert found["file_unchanged"] is CheckResult.FAILED
    assert found["seal_genuine"] is CheckResult.FAILED
    assert found["entitled"] is CheckResult.PASSED
    assert found["in_force"] is CheckResult.PASSED
    assert found["recorded_signatures"] is CheckResult.PASSED
    assert found["coverage"] is CheckResult.FAILED


def test_a_page_without_its_seal_is_known_by_its_qr(house: House, certificate: CertificateRecord) -> None:
    report = judged(house, printed_again(sealed_bytes(house, certificate)))
    assert isinstance(report.verdict, Altered)
    shown = report_json(report)["certificate"]
    assert shown["identifier"] == certificate.identifier
    assert shown["holders"]
    found = results(report)
    assert found["seal_genuine"] is CheckResult.UNKNOWN
    assert found["recorded_signatures"] is CheckResult.FAILED  # V10: the seal is gone


def test_an_identifier_alone_tells_what_the_public_log_tells(
    house: House, certificate: CertificateRecord
) -> None:
    report = judged(house, without_its_qr(sealed_bytes(house, certificate)))
    assert isinstance(report.verdict, Altered)
    shown = report_json(report)["certificate"]
    assert shown["identifier"] == certificate.identifier
    assert (shown["number"], shown["holders"]) == ("", [])


def test_a_flipped_byte_under_our_seal_is_altered(house: House, certificate: CertificateRecord) -> None:
    content = bytearray(sealed_bytes(house, certificate))
    place = content.index(b"/Contents<") + len(b"/Contents<")
    value = bytes.fromhex(content[place : content.index(b">", place)].decode())
    at = place + 2 * (value.index(b"\x06\x03\x55\x04\x03") + 12)  # inside a certificate's common name
    content[at] = ord("1") if content[at] != ord("1") else ord("2")
    assert isinstance(judged(house, bytes(content)).verdict, Altered)


def test_the_status_on_the_day_that_the_seal_claims(house: House) -> None:
    (old,) = deposited(house, example_request(house.catalogue)).certificates
    renewal = example_request(house.catalogue)
    renewal["results"][0]["supersedes"] = str(old.certificate_id)
    content = sealed_bytes(house, old)
    deposited(house, renewal)
    report = judged(house, updated(content))
    assert results(report)["in_force"] is CheckResult.FAILED
    (then,) = (check for check in report.checks if check.name == "in_force_then")
    assert then.result in {
        CheckResult.PASSED,
        CheckResult.FAILED,
    }  # superseded on the very day that it was sealed
    assert "which the seal claims" in then.detail


def test_somebody_elses_seal_is_foreign_whatever_it_is_worth(house: House) -> None:
    other = new_workshop()
    for content in (other.seal(tiny_pdf()).content, updated(other.seal(tiny_pdf()).content)):
        report = judged(house, content)
        assert isinstance(report.verdict, Foreign)
        assert results(report)["entitled"] is CheckResult.FAILED
        assert results(report)["seal_list"] is CheckResult.FAILED


def test_an_unsealed_file_is_unrecognised(house: House) -> None:
    assert isinstance(judged(house, new_pdf()).verdict, Unrecognised)


def test_confined_judges_say_the_same(house: House, certificate: CertificateRecord) -> None:
    content, at = updated(sealed_bytes(house, certificate)), now() + timedelta(seconds=1)
    workshop = house.wired.workshop
    with Judges(1) as judges:
        confined = by_file(workshop, content, at=at, examine_with=judges.examine)
    assert confined == by_file(workshop, content, at=at)


def test_an_ofd_that_names_a_certificate_of_ours_is_altered_and_shows_what_the_log_tells(
    house: House, certificate: CertificateRecord
) -> None:
    named = ofd_attacks.replaced(
        ofd.plain(), "OFD.xml", ofd.IDENTIFIER.encode(), str(certificate.identifier).encode()
    )
    with Judges(1) as judges:
        report = by_file(
            house.wired.workshop, ofd_attacks.closed(named), at=now(), examine_with=judges.examine
        )
    assert isinstance(report.verdict, Altered)
    shown = report.verdict.certificate
    assert shown is not None
    assert shown["identifier"] == str(certificate.identifier)
    assert not shown["holders"]
    found = results(report)
    assert found["file_unchanged"] is CheckResult.FAILED
    # The newest seal's, a stranger's; what a stranger closes it by may show something else.
    assert (found["digest"], found["coverage"]) == (CheckResult.PASSED, CheckResult.UNKNOWN)
    assert found["seal_list"] is CheckResult.FAILED
    assert len(report.seals) == 2


def test_ofds_of_others_are_foreign_and_bare_or_broken_ones_nothing_that_is_known(house: House) -> None:
    sealed = judged(house, ofd.packed(ofd.ours()))
    assert isinstance(sealed.verdict, Foreign)
    undeclared = b"<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>"
    bare = ofd.packed(ofd_attacks.replaced(ofd.plain(), "OFD.xml", undeclared, b""))
    for content in (bare, ofd.packed({"a": b""}), b"PK\x03\x04"):
        assert isinstance(judged(house, content).verdict, Unrecognised)
    tricky = judged(house, ofd_attacks.two_of_one_name())
    assert isinstance(tricky.verdict, Foreign)
    assert results(tricky)["package"] is CheckResult.FAILED
