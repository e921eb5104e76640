"""What the vault's figures stand beside: stock pyHanko, cryptography's ECDSA, pgbench."""
# ruff: noqa: S603 - the programs and their arguments are named here, never by a caller from outside

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from api.bench.figures import Run
from storage.embedded import postgres_program
from vault.errors import IntegrityError, NotFound, Unavailable

_PGBENCH_SCALE = "1"  # 100,000 rows: all in memory, as the vault's own index pages are
_PGBENCH_COUNT = re.compile(r"number of transactions actually processed: (\d+)")
_PGBENCH_RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


def stock_pyhanko(
    key_file: Path, passphrase: bytes, certificates: tuple[bytes, ...]
) -> Callable[[bytes], bytes]:
    """Signs a PDF as pyHanko's documentation shows it: SimpleSigner and PdfSigner, nothing tuned.

    Certifying, PAdES, no time-stamp and nothing to see: less than what it is held against draws.
    `certificates`: DER, the signer's first.
    """
    with TemporaryDirectory() as folder:
        files = []
        for n, certificate in enumerate(certificates):
            files.append(Path(folder) / f"{n}.cer")
            files[-1].write_bytes(certificate)
        signer = signers.SimpleSigner.load(
            str(key_file),
            str(files[0]),
            ca_chain_files=tuple(str(file) for file in files[1:]),
            key_passphrase=passphrase,
        )
    if signer is None:
        raise NotFound("pyHanko cannot load the seal's key.")
    metadata = signers.PdfSignatureMetadata(
        field_name="reference",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )

    def sign(pdf: bytes) -> bytes:
        signed = signers.PdfSigner(metadata, signer=signer).sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))
        return bytes(signed.getvalue())

    return sign


def stock_validation(roots: tuple[bytes, ...]) -> Callable[[bytes], None]:
    """Judges a PDF's signatures as pyHanko's documentation shows it; no network, no revocation.

    `roots`: DER.
    """
    trusted = [x509.Certificate.load(root) for root in roots]

    def judge(pdf: bytes) -> None:
        for signature in PdfFileReader(BytesIO(pdf)).embedded_signatures:
            context = ValidationContext(trust_roots=trusted, allow_fetching=False)
            status = validate_pdf_signature(signature, context, ts_validation_context=context)
            if not status.bottom_line:
                raise IntegrityError("pyHanko does not accept what the vault sealed.")

    return judge


def ecdsa_p256() -> tuple[Callable[[bytes], bytes], Callable[[bytes, bytes], None]]:
    """Signs, and verifies a signature by the same new key, with SHA-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()

    def sign(message: bytes) -> bytes:
        return key.sign(message, ec.ECDSA(SHA256()))

    def verify(message: bytes, signature: bytes) -> None:
        public.verify(signature, message, ec.ECDSA(SHA256()))

    return sign, verify


@contextmanager
def pgbench(database_url: str, clients: int) -> Iterator[Callable[[float], Run]]:
    """Pgbench's own point reads (`-S`, prepared) on this PostgreSQL; its tables are there for the block only.

    Raises:
        NotFound: there is no pgbench.
        Unavailable: it failed; the sentence ends with what it said.
    """
    program = postgres_program("pgbench")
    found = str(program) if program.exists() else shutil.which("pgbench")
    if found is None:
        raise NotFound("There is no pgbench, neither in the embedded PostgreSQL nor on the PATH.")
    address = urlsplit(database_url)
    environment = {
        **os.environ,
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGUSER": unquote(address.username or ""),
        "PGPASSWORD": unquote(address.password or ""),
        "PGDATABASE": address.path.removeprefix("/"),
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [found, *arguments], env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Unavailable(f"pgbench ended with status {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def point_reads(seconds: float) -> Run:
        said = run("-S", "-M", "prepared", "-n", "-c", str(clients), "-T", str(max(1, round(seconds))))
        count, rate = _PGBENCH_COUNT.search(said), _PGBENCH_RATE.search(said)
        if count is None or rate is None:
            raise Unavailable("pgbench said nothing about transactions.")
        return Run(int(count[1]), int(count[1]) / float(rate[1]))

    run("-i", "-I", "dtgvp", "-s", _PGBENCH_SCALE, "-q")
    try:
        yield point_reads
    finally:
        run("-i", "-I", "d")
