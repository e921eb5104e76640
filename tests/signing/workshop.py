"""What the sealing tests work with: keys, a picture, small PDFs of our own, second opinions."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from signing.appearance import QrStamp, SealAppearance
from signing.keys import PDF_ALGORITHMS, FileSealingKey, SignatureAlgorithm, load_file_key
from signing.seal import SealedPdf, seal_pdf
from signing.timestamp import DevelopmentTimeStampAuthority, TimeStampAuthority
from signing.trust import (
    IssuedKey,
    issue_seal_certificate,
    issue_timestamp_certificate,
    new_development_authority,
)
from signing.validate import Trust

PASSPHRASE = b"only for tests"
NOW = datetime.now(UTC).replace(microsecond=0)
PICTURE = b"0.8 0 0 RG 40 w 20 20 960 960 re S 0.8 0 0 rg 500 900 m 600 600 l 400 600 l f"
MODULES = tuple(bytes((row * column + row) % 3 == 0 for column in range(29)) for row in range(29))
QR = QrStamp(MODULES, page=1, x_mm=30, y_mm=40, size_mm=25)
SAMPLES = Path(
    os.environ.get("CERTVAULT_SAMPLES") or Path(__file__).resolve().parents[2].parent / "shared" / "samples"
)


@dataclass(frozen=True)
class Workshop:
    """Everything that sealing needs."""

    authority: IssuedKey
    keys: Mapping[SignatureAlgorithm, FileSealingKey]
    tsa: DevelopmentTimeStampAuthority

    @property
    def root(self) -> bytes:
        """The development root, DER."""
        return x509.load_pem_x509_certificate(self.authority.certificate_pem).public_bytes(Encoding.DER)

    @property
    def trust(self) -> Trust:
        """The development root, without a list of seals."""
        return Trust((self.root,))

    def seal(
        self,
        document: bytes,
        *,
        algorithm: SignatureAlgorithm = SignatureAlgorithm.ECDSA_P256_SHA256,
        tsa: TimeStampAuthority | None = None,
        qr: QrStamp | None = QR,
        page: int = 1,
        field_name: str = "certvault-seal",
        at: datetime = NOW,
    ) -> SealedPdf:
        """A document sealed on a page, with the usual picture."""
        return seal_pdf(
            document,
            key=self.keys[algorithm],
            appearance=SealAppearance(PICTURE, page=page, x_mm=150, y_mm=200, diameter_mm=42, qr=qr),
            field_name=field_name,
            reason="电子证照签发",
            location="样例市",
            at=at,
            tsa=tsa,
        )


def new_workshop() -> Workshop:
    """Fresh keys under a fresh root."""
    authority = new_development_authority(passphrase=PASSPHRASE, at=NOW)
    keys = {algorithm: new_key(authority, algorithm) for algorithm in PDF_ALGORITHMS}
    stamps = issue_timestamp_certificate(authority, PASSPHRASE, passphrase=PASSPHRASE, at=NOW)
    return Workshop(
        authority,
        keys,
        DevelopmentTimeStampAuthority(load_file_key(stamps.key_pem, PASSPHRASE, stamps.certificate_pem)),
    )


def new_key(authority: IssuedKey, algorithm: SignatureAlgorithm) -> FileSealingKey:
    """A seal key of an invented organisation."""
    issued = issue_seal_certificate(
        authority,
        PASSPHRASE,
        organisation="样例市行政审批局",
        uscc="91350100M000100Y43",
        algorithm=algorithm,
        passphrase=PASSPHRASE,
        at=NOW,
    )
    return load_file_key(issued.key_pem, PASSPHRASE, issued.certificate_pem, algorithm=algorithm)


def tiny_pdf(
    content: bytes = b"1 0 0 rg 100 100 50 50 re f",
    *,
    xref_stream: bool = False,
    page: Mapping[str, object] | None = None,
    catalogue: Mapping[str, object] | None = None,
) -> bytes:
    """An A4 page with some content, further page and catalogue entries, written by qpdf."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    held = pdf.pages[0].obj
    held.Contents = pdf.make_stream(content)
    for key, value in (page or {}).items():
        held[key] = value
    for key, value in (catalogue or {}).items():
        pdf.Root[key] = value
    out = BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if xref_stream else pikepdf.ObjectStreamMode.disable
    pdf.save(out, object_stream_mode=mode, deterministic_id=True)
    return out.getvalue()


def pyhanko_opinions(content: bytes, root: bytes) -> list[PdfSignatureStatus]:
    """What pyHanko says of each seal; not strict, since real producers' files are not."""
    trust = asn1_x509.Certificate.load(root)
    reader = PdfFileReader(BytesIO(content), strict=False)
    opinions = []
    for signature in reader.embedded_regular_signatures:
        context = ValidationContext(trust_roots=[trust], allow_fetching=False)
        opinions.append(validate_pdf_signature(signature, context, ts_validation_context=context))
    return opinions


def qpdf_complaint(content: bytes, folder: Path) -> str | None:
    """What `qpdf --check` has to complain of, None if nothing."""
    if shutil.which("qpdf") is None:
        pytest.skip("qpdf is not installed: nobody checks the sealed file's syntax")
    file = folder / "checked.pdf"
    file.write_bytes(content)
    done = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stdout + done.stderr


def sample(name: str) -> bytes:
    """A sample document; skips, and says so, when the folder of samples is not there."""
    if not SAMPLES.is_dir():
        pytest.skip("the folder of sample documents is not here (set CERTVAULT_SAMPLES)")
    return (SAMPLES / name).read_bytes()
