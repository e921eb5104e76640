"""Every sample goes in, is sealed, and is judged by our judge, pyHanko, poppler and qpdf."""

import os
import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from signing.intake import admit_pdf
from signing.keys import SignatureAlgorithm
from signing.pades import stock, update
from signing.validate import judge_pdf
from tests.signing.workshop import NOW, Workshop, pyhanko_opinions, qpdf_complaint, sample, tiny_pdf
from vault.errors import DocumentRefused
from vault.model.certificate import SealLevel
from vault.model.verdict import CheckResult, Indication

NAMES = [
    "cert-fpdf2.pdf",
    "cert-reportlab.pdf",
    "cert-typst-pdfa2a-ua1.pdf",
    "cert-typst-pdfa2b.pdf",
    "cert-weasyprint.pdf",
    "pifu-chromium.pdf",
    "pifu-ghostscript.pdf",
    "pifu-libreoffice-pdfa2b.pdf",
    "pifu-libreoffice.pdf",
    "pifu-qpdf-linearized.pdf",
    "pifu-qpdf-objstm.pdf",
    "pifu-qpdf-xref-table.pdf",
    "scan-gs.pdf",
]


@pytest.fixture(scope="session")
def nss(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An NSS database that trusts the development root, for poppler."""
    if shutil.which("pdfsig") is None or shutil.which("certutil") is None:
        pytest.skip("pdfsig or certutil is not installed: poppler's opinion is missing")
    folder = tmp_path_factory.mktemp("nss")
    pem = folder / "root.pem"
    pem.write_bytes(workshop.authority.certificate_pem)
    subprocess.run(["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"], check=True)
    subprocess.run(
        ["certutil", "-A", "-d", f"sql:{folder}", "-n", "root", "-t", "CT,CT,CT", "-i", pem], check=True
    )
    return folder


@pytest.mark.parametrize("stamped", [False, True], ids=["B-B", "B-T"])
@pytest.mark.parametrize("name", NAMES)
def test_sealed_sample_passes_our_judge_and_pyhanko(
    name: str,
    algorithm: SignatureAlgorithm,
    stamped: bool,  # noqa: FBT001 - a pytest parameter
    workshop: Workshop,
    tmp_path: Path,
) -> None:
    document = sample(name)
    admit_pdf(document)
    sealed = workshop.seal(document, algorithm=algorithm, tsa=workshop.tsa if stamped else None)

    assert sealed.path == "fast"
    assert sealed.content.startswith(document)
    assert sealed.level is (SealLevel.B_T if stamped else SealLevel.B_B)
    (report,) = judge_pdf(sealed.content, trust=workshop.trust, at=NOW)
    assert report.indication is Indication.TOTAL_PASSED, report
    assert (report.proven_at is not None) is stamped
    results = {check.name: check.result for check in report.checks}
    expected_stamp = CheckResult.PASSED if stamped else CheckResult.UNKNOWN
    assert results.pop("timestamp") is expected_stamp
    for absent in ("seal_list", "archive", "revocation"):  # there is nothing of these here
        assert results.pop(absent) is CheckResult.UNKNOWN
    assert set(results.values()) == {CheckResult.PASSED}

    (opinion,) = pyhanko_opinions(sealed.content, workshop.root)
    assert opinion.bottom_line, opinion.pretty_print_details()
    assert opinion.docmdp_ok
    assert (opinion.timestamp_validity is not None) is stamped
    assert qpdf_complaint(sealed.content, tmp_path) is None


@pytest.mark.parametrize("name", NAMES)
def test_poppler_accepts_the_sealed_sample(
    name: str, algorithm: SignatureAlgorithm, workshop: Workshop, nss: Path, tmp_path: Path
) -> None:
    file = tmp_path / "sealed.pdf"
    file.write_bytes(workshop.seal(sample(name), algorithm=algorithm, tsa=workshop.tsa).content)
    done = subprocess.run(
        ["pdfsig", "-nssdir", f"sql:{nss}", file],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert "Signature is Valid" in done.stdout
    assert "Certificate is Trusted" in done.stdout
    assert "Total document signed" in done.stdout


@pytest.mark.parametrize(
    "name", ["cert-typst-pdfa2b.pdf", "cert-typst-pdfa2a-ua1.pdf", "pifu-libreoffice-pdfa2b.pdf"]
)
def test_pdfa_claim_is_kept(name: str, workshop: Workshop) -> None:
    document = sample(name)
    sealed = workshop.seal(document).content
    assert admit_pdf(document).pdfa is not None
    with pikepdf.open(BytesIO(document)) as before, pikepdf.open(BytesIO(sealed)) as after:
        assert after.Root.Metadata.read_raw_bytes() == before.Root.Metadata.read_raw_bytes()
        assert after.trailer.Info.unparse() == before.trailer.Info.unparse()
        assert after.trailer.ID[0] == before.trailer.ID[0]
        (field,) = after.Root.AcroForm.Fields
        # ISO 19005-2, clauses 6.3.2 and 6.3.3: printed, not hidden in any way, and with an appearance
        flags = int(field.F)
        assert flags & 0b100100011 == 0
        assert flags & 4 == 4
        assert "/Group" not in field.AP.N.stream_dict
        assert b"/ca" not in field.AP.N.Resources.unparse()


def test_encrypted_sample_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="encrypted"):
        admit_pdf(sample("pifu-encrypted-refuse.pdf"))


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("layout", [update.prepare_update, stock.prepare_update], ids=["fast", "stock"])
def test_pdfa_without_an_rgb_intent_gets_a_seal_in_calibrated_colours(
    layout: Callable[..., update.PreparedUpdate], workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pikepdf.open(BytesIO(tiny_pdf())) as pdf:
        pdf.Root.Metadata = pdf.make_stream(XMP, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        out = BytesIO()
        pdf.save(out)
    assert admit_pdf(out.getvalue()).pdfa == "2B"
    with pikepdf.open(BytesIO(out.getvalue())) as before:
        xmp = before.Root.Metadata.read_raw_bytes()
    monkeypatch.setattr("signing.seal.prepare_update", layout)
    with pikepdf.open(BytesIO(workshop.seal(out.getvalue(), qr=None).content)) as after:
        assert after.Root.Metadata.read_raw_bytes() == xmp
        space = after.Root.AcroForm.Fields[0].AP.N.Resources.ColorSpace.DefaultRGB
        assert space[0] == "/CalRGB"
        assert len(space[1].Matrix) == 9
    with pikepdf.open(BytesIO(workshop.seal(tiny_pdf(), qr=None).content)) as plain:
        assert "/ColorSpace" not in plain.Root.AcroForm.Fields[0].AP.N.Resources
