"""The judge against files that were changed on purpose: each defect is told by the check made for it."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing.keys import PDF_ALGORITHMS, SignatureAlgorithm, load_file_key
from signing.trust import issue_timestamp_certificate
from signing.validate import judge_pdf
from tests.signing.workshop import NOW, PASSPHRASE, Workshop, new_workshop, sample, tiny_pdf
from vault.model.verdict import CheckResult, Indication, SealReport


@pytest.fixture(scope="module")
def sealed(workshop: Workshop) -> bytes:
    return workshop.seal(tiny_pdf(), tsa=workshop.tsa).content


def judged(content: bytes, workshop: Workshop) -> SealReport:
    (report,) = judge_pdf(content, trust=workshop.trust, at=NOW)
    return report


def failed(report: SealReport) -> set[str]:
    return {check.name for check in report.checks if check.result is CheckResult.FAILED}


def test_an_untouched_seal_passes(sealed: bytes, workshop: Workshop) -> None:
    report = judged(sealed, workshop)
    assert report.indication is Indication.TOTAL_PASSED
    assert report.sealed_at == NOW
    assert report.signer is not None
    assert "样例市行政审批局" in report.signer


def test_no_seal_no_report(workshop: Workshop) -> None:
    assert judge_pdf(tiny_pdf(), trust=workshop.trust, at=NOW) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_no_flipped_bit_outside_the_seal_passes(
    place: int, bit: int, sealed: bytes, workshop: Workshop
) -> None:
    start = sealed.index(b"/Contents<") + len(b"/Contents")
    covered = [*range(start), *range(sealed.index(b">", start) + 1, len(sealed))]
    changed = bytearray(sealed)
    changed[covered[place % len(covered)]] ^= 1 << bit
    reports = judge_pdf(bytes(changed), trust=workshop.trust, at=NOW)
    assert all(report.indication is not Indication.TOTAL_PASSED for report in reports)


def test_a_changed_page_fails_the_digest(sealed: bytes, workshop: Workshop) -> None:
    # the first object of the original file: its header's comment, which qpdf does not mind
    changed = bytearray(sealed)
    changed[changed.index(b"595") + 2] = ord("6")
    report = judged(bytes(changed), workshop)
    assert failed(report) == {"digest"}
    assert (report.indication, report.sub_indication) == (Indication.TOTAL_FAILED, "HASH_FAILURE")


@pytest.mark.parametrize("algorithm", PDF_ALGORITHMS, ids=str)
def test_a_changed_signature_value_fails_the_signature(
    algorithm: SignatureAlgorithm, workshop: Workshop
) -> None:
    content = workshop.seal(tiny_pdf(), algorithm=algorithm).content
    start = content.index(b"/Contents<") + len(b"/Contents<")
    value = bytes.fromhex(content[start : content.index(b">", start)].decode()).rstrip(b"\0")
    last = start + 2 * len(value) - 2  # the signature value stands last in a CMS without time-stamp
    changed = content[:last] + (b"00" if content[last : last + 2] != b"00" else b"01") + content[last + 2 :]
    report = judged(changed, workshop)
    assert failed(report) == {"signature"}
    assert (report.indication, report.sub_indication) == (Indication.TOTAL_FAILED, "SIG_CRYPTO_FAILURE")


@pytest.mark.parametrize("added", [b"\n", b"PK\x03\x04", b"% a comment\n%%EOF\n"])
def test_bytes_behind_the_seal_fail_the_coverage(added: bytes, sealed: bytes, workshop: Workshop) -> None:
    reports = judge_pdf(sealed + added, trust=workshop.trust, at=NOW)
    assert [report.indication for report in reports] in (
        [Indication.TOTAL_FAILED],
        [Indication.INDETERMINATE],
    )
    assert all("coverage" in failed(report) or "readable" in failed(report) for report in reports)


def test_an_update_behind_the_seal_fails_the_coverage(sealed: bytes, workshop: Workshop) -> None:
    start = sealed.rindex(b"startxref") + len(b"startxref\n")
    last_xref = int(sealed[start:].split()[0])
    with pikepdf.open(BytesIO(sealed)) as pdf:
        root, size = pdf.Root.objgen[0], int(pdf.trailer.Size)
    update = b"%d 0 obj\n(shadow)\nendobj\n" % size
    xref = len(sealed) + len(update)
    update += (
        b"xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %d 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
        % (
            size,
            len(sealed),
            size + 1,
            root,
            last_xref,
            xref,
        )
    )
    report = judged(sealed + update, workshop)
    assert failed(report) == {"coverage", "revisions"}
    assert report.indication is Indication.TOTAL_FAILED


def test_a_gap_that_hides_more_than_the_signature_fails(sealed: bytes, workshop: Workshop) -> None:
    end = sealed.index(b">", sealed.index(b"/Contents<"))
    report = judged(sealed[: end - 2] + b"<>" + sealed[end:], workshop)
    assert report.indication is not Indication.TOTAL_PASSED
    assert "byte_range" in failed(report)


def test_bytes_in_the_padding_fail_the_digest_step(sealed: bytes, workshop: Workshop) -> None:
    end = sealed.index(b">", sealed.index(b"/Contents<"))
    report = judged(sealed[: end - 2] + b"41" + sealed[end:], workshop)
    assert "byte_range" in failed(report)


def test_a_strange_root_leaves_it_undecided(sealed: bytes) -> None:
    report = judged(sealed, new_workshop())
    assert failed(report) == {"chain", "timestamp"}
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "NO_CERTIFICATE_CHAIN_FOUND",
    )


@pytest.mark.parametrize("days", [-1, 365 * 4])
def test_outside_the_certificate_s_validity_is_undecided(days: int, workshop: Workshop) -> None:
    content = workshop.seal(tiny_pdf()).content
    (report,) = judge_pdf(content, trust=workshop.trust, at=NOW + timedelta(days=days))
    assert failed(report) == {"chain"}
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "OUT_OF_BOUNDS_NO_POE")


def test_a_seal_by_the_time_stamp_key_breaks_the_chain(workshop: Workshop) -> None:
    stamps = issue_timestamp_certificate(workshop.authority, PASSPHRASE, passphrase=PASSPHRASE, at=NOW)
    key = load_file_key(stamps.key_pem, PASSPHRASE, stamps.certificate_pem)
    borrowed = replace(workshop, keys={SignatureAlgorithm.ECDSA_P256_SHA256: key})
    report = judged(borrowed.seal(tiny_pdf()).content, workshop)
    assert failed(report) == {"chain"}
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "CHAIN_CONSTRAINTS_FAILURE",
    )


def test_a_time_stamp_for_another_signature_proves_nothing(workshop: Workshop) -> None:
    class Elsewhere:
        token_room_bytes = workshop.tsa.token_room_bytes

        def stamp(self, digest_sha256: bytes, at: object) -> bytes:
            del digest_sha256, at
            return workshop.tsa.stamp(bytes(32), NOW)

    report = judged(workshop.seal(tiny_pdf(), tsa=Elsewhere()).content, workshop)
    assert failed(report) == {"timestamp"}
    assert report.indication is Indication.INDETERMINATE
    assert report.proven_at is None


def test_a_seal_transplanted_into_another_file_fails(sealed: bytes, workshop: Workshop) -> None:
    other = workshop.seal(tiny_pdf(b"0 0 1 rg 100 100 50 50 re f"), tsa=workshop.tsa).content
    start, end = (sealed.index(b"/Contents<"), sealed.index(b">", sealed.index(b"/Contents<")))
    there = other.index(b"/Contents<")
    changed = other[:there] + sealed[start:end] + other[there + end - start :]
    assert failed(judged(changed, workshop)) == {"digest"}


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7\n%%EOF", b"\x00" * 100, b"%PDF-1.4\nstartxref\n9\n%%EOF"]
)
def test_what_cannot_be_read_is_undecided(content: bytes, workshop: Workshop) -> None:
    report = judged(content, workshop)
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "FORMAT_FAILURE")


def test_an_encrypted_file_is_undecided(workshop: Workshop) -> None:
    report = judged(sample("pifu-encrypted-refuse.pdf"), workshop)
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "FORMAT_FAILURE")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0), value=st.integers(0, 15))
def test_no_rubbish_in_the_seal_raises(place: int, value: int, sealed: bytes, workshop: Workshop) -> None:
    start = sealed.index(b"/Contents<") + len(b"/Contents<")
    end = sealed.index(b">", start)
    changed = bytearray(sealed)
    changed[start + place % (end - start)] = ord(f"{value:x}")
    assert len(judge_pdf(bytes(changed), trust=workshop.trust, at=NOW)) == 1
