"""SM2 keys, certificates and checks by the `openssl` program: nothing of ours but an enumeration."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from signing.keys import SignatureAlgorithm

ID = "distid:1234567812345678"


@dataclass(frozen=True, slots=True)
class OpensslKey:
    """A sealing key whose every signature is made by the program."""

    folder: Path
    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = ()
    algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3
    signature_size_max_bytes: int = 72

    def sign(self, message: bytes) -> bytes:
        """DER SEQUENCE of r and s."""
        (self.folder / "message").write_bytes(message)
        return openssl(
            self.folder, *("dgst", "-sm3", "-sigopt", ID, "-sign", "key.pem", "-binary", "message")
        ).stdout

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key signed this message."""
        (self.folder / "message").write_bytes(message)
        (self.folder / "signature").write_bytes(signature)
        pinned = ("-pubin", "-inkey", "public.pem", "-in", "message", "-sigfile", "signature")
        options = ("-rawin", "-digest", "sm3", "-pkeyopt", ID)
        return openssl(self.folder, "pkeyutl", "-verify", *options, *pinned, check=False).returncode == 0


def new_key(folder: Path, name: str) -> OpensslKey:
    """A key with a certificate that it signed itself."""
    folder.mkdir()
    openssl(folder, *("ecparam", "-name", "SM2", "-genkey", "-noout", "-out", "key.pem"))
    openssl(folder, *("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"))
    openssl(
        folder,
        *("req", "-new", "-x509", "-sm3", "-sigopt", ID, "-key", "key.pem", "-days", "30"),
        *("-subj", f"/C=CN/CN={name}", "-outform", "DER", "-out", "certificate.der"),
    )
    return OpensslKey(folder, (folder / "certificate.der").read_bytes())


def openssl(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """The program, run to its end."""
    return subprocess.run(["openssl", *arguments], cwd=folder, check=check, capture_output=True)
