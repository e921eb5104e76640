"""Files that the fast path does not take: pyHanko lays out the update, and the seal is as good."""

from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.intake import admit_pdf
from signing.keys import SignatureAlgorithm
from signing.pades import stock
from signing.validate import judge_pdf
from tests.signing import attacks
from tests.signing.workshop import NOW, QR, Workshop, pyhanko_opinions, qpdf_complaint, tiny_pdf
from vault.errors import DocumentRefused, InputError
from vault.model.verdict import CheckResult, Indication


def hybrid_pdf() -> bytes:
    """A file with a cross-reference table that points at a stream as well (ISO 32000-1, clause 7.5.8.4)."""
    plain = tiny_pdf()
    with pikepdf.open(BytesIO(plain)) as pdf:
        size, root = int(pdf.trailer.Size), pdf.Root.objgen[0]
    old = int(plain[plain.rindex(b"startxref") + 10 :].split()[0])
    hidden = len(plain)
    body = b"%d 0 obj\n(hidden)\nendobj\n" % size
    stream_at = hidden + len(body)
    rows = b"".join(b"\x01" + offset.to_bytes(4, "big") + b"\0\0" for offset in (hidden, stream_at))
    entries = b"/Type/XRef/W[1 4 2]/Index[%d 2]/Size %d/Root %d 0 R" % (size, size + 2, root)
    body += b"%d 0 obj\n<<%b/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (
        size + 1,
        entries,
        len(rows),
        rows,
    )
    table_at = hidden + len(body)
    body += b"xref\n0 0\ntrailer\n<</Size %d/Root %d 0 R/Prev %d/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        size + 2,
        root,
        old,
        stream_at,
        table_at,
    )
    return plain + body


def with_empty_form(document: bytes) -> bytes:
    """The document with a form that holds one empty signature field, appended by pyHanko."""
    writer = IncrementalPdfFileWriter(BytesIO(document))
    fields.append_signature_field(writer, fields.SigFieldSpec("later", box=(50, 50, 150, 90)))
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def approved_pdf(workshop: Workshop) -> bytes:
    """A file that somebody else has signed: pyHanko's own signer, an approval signature, no DocMDP."""
    key = workshop.keys[SignatureAlgorithm.ECDSA_P256_SHA256]
    plain = key.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(key.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(plain),
        cert_registry=SimpleCertificateStore(),
    )
    out = signers.sign_pdf(
        IncrementalPdfFileWriter(BytesIO(tiny_pdf())),
        signers.PdfSignatureMetadata(field_name="colleague", subfilter=fields.SigSeedSubFilter.PADES),
        signer=signer,
    )
    content: bytes = out.getvalue()
    return content


@pytest.mark.parametrize("stamped", [False, True], ids=["B-B", "B-T"])
def test_a_hybrid_file_is_sealed_by_pyhanko(
    algorithm: SignatureAlgorithm,
    stamped: bool,  # noqa: FBT001 - a pytest parameter
    workshop: Workshop,
    tmp_path: Path,
) -> None:
    document = hybrid_pdf()
    admit_pdf(document)
    sealed = workshop.seal(document, algorithm=algorithm, tsa=workshop.tsa if stamped else None)
    assert sealed.path == "stock"
    assert sealed.content.startswith(document)
    (report,) = judge_pdf(sealed.content, trust=workshop.trust, at=NOW)
    assert report.indication is Indication.TOTAL_PASSED, report
    (opinion,) = pyhanko_opinions(sealed.content, workshop.root)
    assert opinion.bottom_line, opinion.pretty_print_details()
    assert qpdf_complaint(sealed.content, tmp_path) is None


def test_both_paths_draw_the_same(workshop: Workshop) -> None:
    document = tiny_pdf()
    fast = workshop.seal(document).content
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("signing.seal.prepare_update", stock.prepare_update)
        slow = workshop.seal(document).content
    with pikepdf.open(BytesIO(fast)) as one, pikepdf.open(BytesIO(slow)) as other:
        for pdf in (one, other):
            assert pdf.Root.AcroForm.SigFlags == 3
        first, second = (pdf.Root.AcroForm.Fields[0] for pdf in (one, other))
        assert [float(n) for n in first.Rect] == pytest.approx([float(n) for n in second.Rect], abs=0.01)
        assert first.AP.N.read_bytes() == second.AP.N.read_bytes()
        assert first.F == second.F
        assert str(first.V.Reason) == str(second.V.Reason)
        assert [part.read_bytes() for part in one.pages[0].obj.Contents] == [
            part.read_bytes() for part in other.pages[0].obj.Contents
        ]


def test_a_form_without_signatures_goes_the_fast_way(workshop: Workshop, tmp_path: Path) -> None:
    document = with_empty_form(tiny_pdf())
    sealed = workshop.seal(document)
    assert sealed.path == "fast"
    with pikepdf.open(BytesIO(sealed.content)) as pdf:
        assert [str(held.T) for held in pdf.Root.AcroForm.Fields] == ["later", "certvault-seal"]
    (report,) = judge_pdf(sealed.content, trust=workshop.trust, at=NOW)
    assert report.indication is Indication.TOTAL_PASSED
    (opinion,) = pyhanko_opinions(sealed.content, workshop.root)
    assert opinion.bottom_line
    assert qpdf_complaint(sealed.content, tmp_path) is None


def test_a_taken_field_name_is_told(workshop: Workshop) -> None:
    with pytest.raises(InputError, match="name"):
        workshop.seal(with_empty_form(tiny_pdf()), field_name="later")


def test_a_sealed_file_is_not_sealed_again(workshop: Workshop) -> None:
    sealed = workshop.seal(tiny_pdf()).content
    with pytest.raises(DocumentRefused, match="certified already"):
        admit_pdf(sealed)
    with pytest.raises(DocumentRefused, match="certified already"):
        workshop.seal(sealed, field_name="second")


def test_a_file_with_an_approval_signature_keeps_it(workshop: Workshop, tmp_path: Path) -> None:
    document = approved_pdf(workshop)
    assert admit_pdf(document).existing_signatures == 1
    sealed = workshop.seal(document, qr=QR)
    assert (sealed.path, sealed.certifies, sealed.qr_drawn) == ("stock", False, False)
    assert sealed.content.startswith(document)

    first, second = pyhanko_opinions(sealed.content, workshop.root)
    assert first.bottom_line, first.pretty_print_details()
    assert second.bottom_line, second.pretty_print_details()
    older, newer = judge_pdf(sealed.content, trust=workshop.trust, at=NOW)
    assert newer.indication is Indication.TOTAL_PASSED, newer
    assert older.indication is Indication.TOTAL_PASSED, older
    assert qpdf_complaint(sealed.content, tmp_path) is None
    with pytest.raises(DocumentRefused, match="certified already"):  # the lock with P = 1 forbids a third
        admit_pdf(sealed.content)


@pytest.mark.parametrize("what", ["bytes", "value"])
def test_a_file_whose_signature_is_broken_is_refused(what: str, workshop: Workshop) -> None:
    document = bytearray(approved_pdf(workshop))
    if what == "bytes":
        document[document.index(b"595") + 2] = ord("6")
    else:
        start = document.index(b"/Contents <") + len(b"/Contents <")
        value = bytes.fromhex(document[start : document.index(b">", start)].decode()).rstrip(b"\0")
        last = start + 2 * len(value) - 2
        document[last : last + 2] = b"00" if document[last : last + 2] != b"00" else b"01"
    with pytest.raises(DocumentRefused, match="broken signature"):
        admit_pdf(bytes(document))


@pytest.mark.parametrize(
    "document",
    [
        tiny_pdf(page={"/Annots": pikepdf.Dictionary({"/A": "x"})}),
        tiny_pdf(catalogue={"/AcroForm": pikepdf.Dictionary({"/Fields": pikepdf.Dictionary({"/A": "x"})})}),
    ],
    ids=["annotations", "fields"],
)
def test_odd_files_that_the_gate_did_not_see_are_refused_by_the_stock_path(
    document: bytes, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signing.seal.prepare_update", stock.prepare_update)
    with pytest.raises(DocumentRefused, match="damaged"):
        workshop.seal(document, qr=None)


def test_a_signature_that_allows_changes_passes_as_long_as_none_was_made(workshop: Workshop) -> None:
    (report,) = judge_pdf(approved_pdf(workshop), trust=workshop.trust, at=NOW)
    results = {check.name: check.result for check in report.checks}
    assert results["docmdp"] is CheckResult.UNKNOWN
    assert report.indication is Indication.TOTAL_PASSED


def test_a_second_field_that_claims_the_signature_is_told(workshop: Workshop) -> None:
    first, second = judge_pdf(attacks.second_field(workshop), trust=workshop.trust, at=NOW)
    for report in (first, second):
        assert [check.name for check in report.checks if check.result is CheckResult.FAILED] == ["field"]
