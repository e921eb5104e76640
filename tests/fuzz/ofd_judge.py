"""Whatever is shown, the judge reports; and nothing passes whose content is not what was sealed."""

import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress

from signing.examination import examine
from tests.fuzz.running import corpus
from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import NOW, ours, plain
from tests.signing.ofd_judge.zips import STORED, Item, zipped
from vault.model.verdict import Indication

# The first byte chooses what is made of the rest: the package itself, or one file of a good package.
AS_FILE = b"F"


class Judge:
    """The judge with what it believes, and the one content that may pass."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)
        self._names = sorted(files)
        self._trust = attacks.listed()

    def __call__(self, data: bytes) -> None:
        """One package, or one file of it.

        Raises:
            ValueError: something passes that was not sealed.
        """
        content = self._with_file(data[1:]) if data[:1] == AS_FILE else data
        examined = examine(content, trust=self._trust, at=NOW)
        passed = any(report.indication is Indication.TOTAL_PASSED for report in examined.seals)
        if passed and not self._is_sealed(content):
            raise ValueError("A file passes that nobody sealed.")

    def seeds(self) -> tuple[bytes, ...]:
        """The good package, and each of its files."""
        files = (AS_FILE + bytes([n]) + self._files[name] for n, name in enumerate(self._names))
        return (_stored(self._files), *files)

    def _with_file(self, rest: bytes) -> bytes:
        name = self._names[rest[0] % len(self._names)] if rest else self._names[0]
        return _stored({**self._files, name: rest[1:]})

    def _is_sealed(self, content: bytes) -> bool:
        """Whether everything that is shown is as it was sealed; signatures may have been taken away."""
        with suppress(zipfile.BadZipFile, ValueError), zipfile.ZipFile(io.BytesIO(content)) as archive:
            return all(archive.read(name) == self._files[name] for name in plain())
        return False


def _stored(files: Mapping[str, bytes]) -> bytes:
    return zipped([Item(name.encode(), body, method=STORED) for name, body in files.items()])


one = Judge(ours())
SEEDS = (
    *one.seeds(),
    attacks.doctype(),
    attacks.two_of_one_name(),
    attacks.other_document_root(),
    attacks.first_version(),
    attacks.a_stranger_signs_later(),
    *corpus(".zip", ".ofd"),
)
