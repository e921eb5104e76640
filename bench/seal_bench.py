"""Milliseconds per seal and per judgement on one core: `python bench/seal_bench.py [PDF] [--seconds S]`.

Rows: the floor of one hash and one signature; our fast path; the judge; pyHanko's writer with our CMS;
pyHanko as it comes (SimpleSigner). Medians; the keys and the seal's picture are made ready before.
"""

import argparse
import hashlib
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import pikepdf
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from signing import seal
from signing.appearance import SealAppearance
from signing.keys import FileSealingKey, SignatureAlgorithm, load_file_key
from signing.pades import stock
from signing.timestamp import DevelopmentTimeStampAuthority, TimeStampAuthority
from signing.trust import (
    IssuedKey,
    issue_seal_certificate,
    issue_timestamp_certificate,
    new_development_authority,
)
from signing.validate import Trust, judge_pdf

NOW = datetime.now(UTC)
PASSPHRASE = b"bench"
APPEARANCE = SealAppearance(b"0.8 0 0 RG 40 w 20 20 960 960 re S", 1, 150, 240, 42)
SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "samples" / "cert-typst-pdfa2b.pdf"


def median_ms(work: Callable[[], object], seconds: float) -> tuple[float, int]:
    """Median duration of some work done over and over, and how often it was done."""
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3, len(times)


def sealing_key(authority: IssuedKey, algorithm: SignatureAlgorithm) -> FileSealingKey:
    """A fresh seal key."""
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


def ours(document: bytes, key: FileSealingKey, tsa: TimeStampAuthority | None) -> bytes:
    """One seal by our own function."""
    return seal.seal_pdf(
        document,
        key=key,
        appearance=APPEARANCE,
        field_name="seal",
        reason="电子证照签发",
        location="样例市",
        at=NOW,
        tsa=tsa,
    ).content


def simple_signer(document: bytes, key: FileSealingKey) -> bytes:
    """One certification by pyHanko as its documentation shows it."""
    plain = key.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(key.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(plain),
        cert_registry=SimpleCertificateStore(),
    )
    metadata = signers.PdfSignatureMetadata(
        field_name="seal",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    spec = fields.SigFieldSpec("seal", box=(400, 100, 519, 219))
    out = signers.sign_pdf(
        IncrementalPdfFileWriter(BytesIO(document)), metadata, signer=signer, new_field_spec=spec
    )
    content: bytes = out.getvalue()
    return content


def blank() -> bytes:
    """A page of our own, where no PDF is given."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    out = BytesIO()
    pdf.save(out)
    return out.getvalue()


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdf", nargs="?", type=Path, help="the file to seal (default: the Typst sample)")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long each row is measured")
    arguments = parser.parse_args()
    path: Path = arguments.pdf or SAMPLE
    document = path.read_bytes() if path.is_file() else blank()
    authority = new_development_authority(passphrase=PASSPHRASE, at=NOW)
    ec = sealing_key(authority, SignatureAlgorithm.ECDSA_P256_SHA256)
    rsa = sealing_key(authority, SignatureAlgorithm.RSA_PKCS1_SHA256)
    stamps = issue_timestamp_certificate(authority, PASSPHRASE, passphrase=PASSPHRASE, at=NOW)
    tsa = DevelopmentTimeStampAuthority(load_file_key(stamps.key_pem, PASSPHRASE, stamps.certificate_pem))
    root = x509.load_pem_x509_certificate(authority.certificate_pem).public_bytes(Encoding.DER)
    rows: list[tuple[str, Callable[[], object]]] = [
        ("floor: SHA-256 and one P-256 signature", lambda: ec.sign(hashlib.sha256(document).digest())),
        ("fast path, P-256, B-B", lambda: ours(document, ec, None)),
        ("fast path, P-256, B-T", lambda: ours(document, ec, tsa)),
        ("fast path, RSA-3072, B-B", lambda: ours(document, rsa, None)),
    ]
    sealed, stamped = ours(document, ec, None), ours(document, ec, tsa)
    rows += [
        ("judge, B-B", lambda: judge_pdf(sealed, trust=Trust((root,)), at=NOW)),
        ("judge, B-T", lambda: judge_pdf(stamped, trust=Trust((root,)), at=NOW)),
    ]
    results = [(name, *median_ms(work, arguments.seconds)) for name, work in rows]
    fast = results[1][1]
    with patch("signing.seal.prepare_update", stock.prepare_update):
        name = "pyHanko's writer, our CMS, P-256"
        results.append((name, *median_ms(lambda: ours(document, ec, None), arguments.seconds)))
    name = "pyHanko SimpleSigner, P-256"
    results.append((name, *median_ms(lambda: simple_signer(document, ec), arguments.seconds)))
    lines = [f"{len(document)} bytes, medians", "", "| way | ms | times the fast path | runs |"]
    lines += ["| --- | ---: | ---: | ---: |"]
    lines += [f"| {name} | {ms:.2f} | {ms / fast:.1f} | {runs} |" for name, ms, runs in results]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
