#!/usr/bin/env python3
"""Fetches what the pages carry of others' work, checks it, and writes it into the repository: `make vendor`.

Run by hand when a version changes; the result is committed, so that nothing is fetched when the vault is
built or served. npm brings the package from wherever it is set up to; what counts is the digest below.
"""

import base64
import hashlib
import re
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

# zxing-wasm: MIT; the zxing-cpp in it: Apache-2.0.
NAME, VERSION = "zxing-wasm", "3.1.4"
SHA512 = "1+v8p7sauddySVNG+ye7GD/0TS95BG2ycdkrC+EnBrFBFkHeIghzUt2yVjtx3NucJeNrQnhT8yGAIz60Vx9o0w=="
# The reader only, as one script and its machine code.
WANTED = {
    "package/dist/iife/reader/index.js": "reader.js",
    "package/dist/reader/zxing_reader.wasm": "zxing_reader.wasm",
    "package/LICENSE": "LICENSE",
}
# Where the script would fetch its machine code unless it is told: from a stranger. The page tells it; so that
# it cannot happen by mistake either, the address is taken out.
STRANGER = re.compile(rb"`https?://[^`]*`")
TARGET = Path(__file__).parents[1] / "api" / "pages" / "static" / "vendor" / NAME
README = f"""The reader of {NAME} {VERSION} (MIT, LICENSE), which is zxing-cpp (Apache-2.0,
LICENSE-zxing-cpp) as WebAssembly. Written by `make vendor`; the one change: `reader.js` names no host to
fetch from.
"""


def main() -> None:
    """1. Fetch; 2. compare the digest; 3. write the files that are wanted."""
    with TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{NAME}@{VERSION}", "--pack-destination", folder]
        subprocess.run(command, check=True)  # noqa: S603 - every word is written here; 1
        (packed,) = Path(folder).glob("*.tgz")
        found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        if found != SHA512:  # 2
            sys.exit(f"{NAME} {VERSION}: expected sha512-{SHA512}, got sha512-{found}")
        TARGET.mkdir(parents=True, exist_ok=True)
        with tarfile.open(packed) as archive:
            for member, name in WANTED.items():  # 3
                content = archive.extractfile(member)
                if content is None:
                    sys.exit(f"{NAME} {VERSION} has no {member}")
                (TARGET / name).write_bytes(without_stranger(content.read(), name))
    licences = [file for file in distribution("zxing-cpp").files or () if file.name == "LICENSE"]
    (TARGET / "LICENSE-zxing-cpp").write_text(licences[0].read_text(), encoding="utf-8")
    (TARGET / "README").write_text(README, encoding="utf-8")


def without_stranger(content: bytes, name: str) -> bytes:
    """The script without the address that it would fetch from."""
    if name != "reader.js":
        return content
    replaced, places = STRANGER.subn(b"t+e", content)
    if places != 1:
        sys.exit(f"{name} no longer has the address that is to be taken out: look where it fetches from.")
    return replaced


if __name__ == "__main__":
    main()
