"""A seal, its signer and the platform that closes documents: SM2 keys whose certificates `openssl` made."""

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from signing import sm2
from signing.keys import SignatureAlgorithm
from signing.ofd import OfdPlace, seal_ofd
from signing.ses import Picture, SealInfo, make_seal
from signing.typeset import seal_picture
from signing.typeset.seal_forms import seal_png

SM2_ID = "distid:1234567812345678"
NOW = datetime.now(UTC).replace(microsecond=0)
ORGANISATION = "样例市行政审批局"
PASSWORD = "only-for-tests"  # noqa: S105 - of keys that live for a test run
PLACE = OfdPlace(page=1, x_mm=160, y_mm=120, width_mm=42, height_mm=42)


@dataclass(frozen=True, slots=True)
class Sm2Key:
    """A key held in memory, signed by itself."""

    certificate: bytes = field(repr=False)
    private_key: sm2.PrivateKey = field(repr=False)
    chain: tuple[bytes, ...] = ()
    algorithm: SignatureAlgorithm = "sm2-sm3"  # type: ignore[assignment]  # until the enumeration has it
    signature_size_max_bytes: int = sm2.SIGNATURE_MAX_BYTES

    def sign(self, message: bytes) -> bytes:
        """DER SEQUENCE of r and s."""
        return sm2.sign(self.private_key, message)


@dataclass(frozen=True, slots=True)
class Sealing:
    """Everything that sealing an OFD needs."""

    maker: Sm2Key
    signer: Sm2Key
    platform: Sm2Key
    seal: bytes = field(repr=False)


@cache
def new_sealing() -> Sealing:
    """Fresh keys and a seal of an invented organisation, once for a run."""
    maker, signer, platform = (_new_key(name) for name in ("maker", "signer", "platform"))
    drawn = seal_picture(ORGANISATION, centre=None, serial="990100000123")
    info = SealInfo(
        es_id="99010000000123",
        name=ORGANISATION,
        certificates=(signer.certificate,),
        created_at=NOW,
        valid_from=NOW - timedelta(hours=1),
        valid_to=NOW + timedelta(days=365),
        picture=Picture("png", seal_png(drawn.operators), 42, 42),
    )
    return Sealing(maker, signer, platform, make_seal(info, maker))


def openssl(folder: Path, *arguments: str) -> bytes:
    """The program, run to its end."""
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True).stdout


def _new_key(name: str) -> Sm2Key:
    with TemporaryDirectory() as held:
        folder = Path(held)
        openssl(folder, "ecparam", "-name", "SM2", "-genkey", "-noout", "-out", "key.pem")
        subject = ("-subj", f"/C=CN/O={name}/CN={name}", "-days", "30", "-outform", "DER")
        made = ("req", "-new", "-x509", "-sm3", "-sigopt", SM2_ID, "-key", "key.pem", *subject)
        certificate = openssl(folder, *made)
        encrypted = ("-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{PASSWORD}")
        key_pem = openssl(folder, "pkcs8", *encrypted, "-in", "key.pem")
    return Sm2Key(certificate, sm2.load_key(key_pem, PASSWORD.encode()))


def sealed(document: bytes, *, place: OfdPlace = PLACE, closed: bool = True) -> bytes:
    """The document with the seal on its first page, and closed unless that is not wanted."""
    keys = new_sealing()
    return seal_ofd(
        document,
        seal=keys.seal,
        place=place,
        key=keys.signer,
        closing_key=keys.platform if closed else None,
        at=NOW,
    )
