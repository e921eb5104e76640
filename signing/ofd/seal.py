"""Sealing an OFD: a national seal on a page, and the platform's signature that closes the document.

GB/T 33190 and GB/T 38540 as files in the field have them: a signature lists every file with its SM3 digest in
a Signature.xml, and signs that file's digest. A seal leaves the list of signatures out, so that others may
follow; the closing signature covers the list, and nobody signs after it.
"""

import posixpath
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import new as new_hash
from hashlib import sha256
from itertools import islice
from threading import Lock
from typing import Final, Literal

from signing.keys import SealingKey
from signing.ofd.package import Entry, packed, read, written
from signing.ofd.signature_files import SignatureFile, Stamp, declaring, extended_list, next_number
from signing.ofd.structure import ROOT, OfdStructure, folded_names, is_file, page_box, read_structure
from signing.ses import sign_gbt35275, sign_ses
from vault.errors import DocumentRefused, InputError

_SEAL: Final = "Seal"
_SIGN: Final = "Sign"
_TEMPLATE_DIGESTS_KEPT: Final = 64  # ornaments of a template, half a megabyte unpacked; 100 bytes each here
_SEAL_DIGESTS_KEPT: Final = 256  # as many seals as signing.ses prepares
_ON_PAGE_MM = 0.01  # by so much a seal may reach over the edge: sizes are rounded


@dataclass(frozen=True, slots=True)
class OfdPlace:
    """Where a seal's picture stands: page from 1, centre and size in millimetres from the top left corner."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True)
class _Addition:
    """A signature to come: its folder, number, type, and what signs Signature.xml's digest."""

    folder: str
    number: int
    kind: Literal["Seal", "Sign"]
    value: Callable[[bytes], bytes] = field(repr=False)
    seal: bytes | None = field(default=None, repr=False)
    stamp: Stamp | None = None

    @property
    def path(self) -> str:
        """Its Signature.xml."""
        return f"{self.folder}/Signature.xml"


def seal_ofd(
    document: bytes,
    *,
    seal: bytes,
    place: OfdPlace,
    key: SealingKey,
    closing_key: SealingKey | None,
    at: datetime,
    stamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Seal an OFD, and close it if there is a `closing_key`; every file that was in it stays as it was.

    1. read the package and its signatures; 2. refuse what cannot be signed any more; 3. write the list of
    signatures with the new ones, and OFD.xml if it does not name the list yet; 4. digest every file once;
    5. seal: Signature.xml over all files but the list, its digest signed with the seal; 6. close: another
    over all files and the list, signed by the platform; 7. write the package, old ones as they were.

    `stamp`: makes a time-stamp token over the seal's signature value.

    Raises:
        DocumentRefused: no OFD, damaged, closed by a signature, or not to be signed.
        InputError: the seal does not lie on its page; or a key or path is not fit for a national seal.
        SignatureError: the seal is not valid now, or does not list the key's certificate.
        Unavailable: `stamp` says so.
    """
    opened = _Opened.of(document)  # 1, 2
    folder, closing_folder = opened.new_folders(2)
    page_id, box = _stamp_box(opened, place)

    def sealed(digest: bytes) -> bytes:
        return sign_ses(
            seal, key, data_hash=digest, property_info=f"/{folder}/Signature.xml", at=at, stamp=stamp
        )

    additions = [_Addition(folder, opened.next_number, _SEAL, sealed, seal, Stamp(page_id, box))]
    if closing_key is not None:
        additions.append(_closing(closing_folder, opened.next_number + 1, closing_key, at))
    return _signed(opened, additions, at)  # 3 to 7


def close_ofd(document: bytes, *, key: SealingKey, at: datetime) -> bytes:
    """Close an OFD with the platform's signature over everything in it; nobody signs after that.

    Raises:
        DocumentRefused: no OFD, damaged, closed already, or not to be signed.
        InputError: the key is not fit for it.
        SignatureError: the key's certificate is not valid now.
    """
    opened = _Opened.of(document)
    (folder,) = opened.new_folders(1)
    return _signed(opened, [_closing(folder, opened.next_number, key, at)], at)


def _closing(folder: str, sign_number: int, key: SealingKey, at: datetime) -> _Addition:
    return _Addition(folder, sign_number, _SIGN, lambda digest: sign_gbt35275(key, data_hash=digest, at=at))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A package that can still be signed."""

    entries: dict[str, Entry] = field(repr=False)
    structure: OfdStructure
    next_number: int
    _unpacked: dict[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, document: bytes) -> "_Opened":
        """Read a package and its signatures (step 1), and refuse what must not change any more (step 2)."""
        entries = read(document)
        structure = read_structure(entries)
        for signed in structure.signed:
            if structure.signatures_path in signed.covers:
                raise DocumentRefused(
                    "The OFD is closed: a signature covers its list of signatures, and no other can follow."
                )
            if not structure.declared and ROOT in signed.covers:
                raise DocumentRefused("The OFD is closed: a signature covers OFD.xml without a list in it.")
        return cls(entries, structure, next_number(structure))

    def content(self, name: str) -> bytes:
        """A file of the package, unpacked once."""
        if name not in self._unpacked:
            self._unpacked[name] = self.entries[name].content()
        return self._unpacked[name]

    def new_folders(self, count: int) -> list[str]:
        """Folders beside the list of signatures in which nothing lies yet."""
        base = posixpath.dirname(self.structure.signatures_path)
        if not base.isascii():
            numbers = range(len(self.entries) + 1)
            base = next(name for n in numbers if not is_file(name := f"Signs{n or ''}", self.entries))
        taken = folded_names(self.entries)
        tried = (posixpath.join(base, f"Sign_{number}") for number in range(len(taken) + count))
        return [*islice((folder for folder in tried if folder.casefold() not in taken), count)]


def _stamp_box(opened: _Opened, place: OfdPlace) -> tuple[int, tuple[float, float, float, float]]:
    """The ID of the seal's page and its picture's box there.

    Raises:
        InputError: it does not lie on the page.
    """
    index = place.page - 1
    paths = opened.structure.page_paths
    if not 0 <= index < len(paths):
        raise InputError(f"The seal is to stand on page {place.page} of {len(paths)}.")
    page = page_box(opened.structure, opened.content(paths[index]))
    left, top = place.x_mm - place.width_mm / 2, place.y_mm - place.height_mm / 2
    right, bottom = left + place.width_mm, top + place.height_mm
    if (
        min(place.width_mm, place.height_mm) <= 0
        or min(left, top) < -_ON_PAGE_MM
        or right > page.width + _ON_PAGE_MM
        or bottom > page.height + _ON_PAGE_MM
    ):
        raise InputError(
            f"A seal of {place.width_mm:g} by {place.height_mm:g} mm at ({place.x_mm:g}, {place.y_mm:g}) mm "
            f"does not lie on a page of {page.width:.1f} by {page.height:.1f} mm."
        )
    box = (page.left + left, page.top + top, place.width_mm, place.height_mm)
    return opened.structure.page_ids[index], box


def _signed(opened: _Opened, additions: list[_Addition], at: datetime) -> bytes:
    """Steps 3 to 7: the package with these signatures, each over the files of those before it."""
    structure = opened.structure
    listing = structure.signatures_path
    entries = dict(opened.entries)
    added = ((addition.number, addition.kind, addition.path) for addition in additions)
    entries[listing] = packed(listing, extended_list(entries.get(listing), added))  # 3
    if not structure.declared:
        entries[ROOT] = packed(ROOT, declaring(structure, entries[ROOT]))
    digests = {  # 4
        name: _TEMPLATES.digest(entry)
        if name in structure.template_paths
        else _digest(opened.content(name) if entry is opened.entries.get(name) else entry.content())
        for name, entry in entries.items()
        if not name.endswith("/")
    }
    for addition in additions:  # 5, 6
        for name, content in _files(addition, digests, listing, at):
            entries[name] = packed(name, content, deflate=name == addition.path)
            digests[name] = _seal_digest(content) if content is addition.seal else _digest(content)
    return written(entries.values())  # 7


def _files(
    addition: _Addition, digests: dict[str, str], listing: str, at: datetime
) -> Iterator[tuple[str, bytes]]:
    """A signature's files: the seal first, since Signature.xml covers it, then what covers and signs."""
    seal_path = None
    if addition.seal is not None:
        seal_path = f"{addition.folder}/Seal.esl"
        yield seal_path, addition.seal
    covered = [
        (name, digest) for name, digest in digests.items() if addition.kind == _SIGN or name != listing
    ]
    signature = SignatureFile(addition.folder, addition.number, at, covered, addition.stamp, seal_path).xml()
    yield addition.path, signature
    yield f"{addition.folder}/SignedValue.dat", addition.value(new_hash("sm3", signature).digest())


class _TemplateDigests:
    """Digests of template pages, which the certificates of a type share, each known by its packed bytes.

    By their SHA-256, which is far quicker than SM3: of a file that somebody handed in nothing may stay, and
    its size must not matter.
    """

    __slots__ = ("_kept", "_lock")

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, int, bytes], str] = OrderedDict()
        self._lock = Lock()

    def digest(self, entry: Entry) -> str:
        """The digest of an entry's content, unpacked only if it is not known."""
        key = (entry.method, entry.crc, entry.size, sha256(entry.packed).digest())
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        found = _digest(entry.content())
        with self._lock:
            self._kept[key] = found
            if len(self._kept) > _TEMPLATE_DIGESTS_KEPT:
                self._kept.popitem(last=False)
        return found


_TEMPLATES: Final = _TemplateDigests()


@lru_cache(maxsize=_SEAL_DIGESTS_KEPT)
def _seal_digest(seal: bytes) -> str:
    return _digest(seal)


def _digest(content: bytes) -> str:
    """Base64 of the plain SM3 digest, as CheckValue has it."""
    return b64encode(new_hash("sm3", content).digest()).decode("ascii")
