"""A token for the suite: SoftHSM2, with keys that stay in it."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from signing.trust import IssuedKey

MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
)
PIN = "2468"
LABEL = "seals"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is initialised. Its library reads SOFTHSM2_CONF once in each process."""

    module: Path
    configuration: Path

    def take(self, issued: IssuedKey, passphrase: bytes) -> str:
        """Puts a key on the token, not extractable; its URI."""
        name, key_id = f"key-{secrets.token_hex(4)}", secrets.token_hex(4)
        key = load_pem_private_key(issued.key_pem, passphrase)
        file = self.configuration.with_name(f"{name}.pem")
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.util("--import", str(file), "--token", LABEL, "--label", name, "--id", key_id, "--pin", PIN)
        file.unlink()
        return f"pkcs11:token={LABEL};object={name}?module-path={self.module}"

    def util(self, *arguments: str) -> None:
        """Runs softhsm2-util."""
        subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True)


@contextmanager
def softhsm(folder: Path) -> Iterator[Token]:
    """A fresh token in this folder; skips, loudly, where SoftHSM2 is not installed."""
    module = next((path for path in MODULES if path.exists()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("NO TOKEN TESTED: SoftHSM2 is not installed (Debian: apt-get install softhsm2)")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    token = Token(module, configuration)
    token.util("--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "13579")
    yield token
