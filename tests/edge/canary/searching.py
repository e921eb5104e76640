"""Looking for canaries: every encoding in which one could have been written, in whatever may hold it."""

import base64
import hashlib
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pikepdf
import pypdfium2
from ahocorasick_rs import BytesAhoCorasick, Implementation

from tests.edge.canary.marks import Kind, Marks

# Shorter needles would be found where nobody wrote them.
NEEDLE_MIN_BYTES = 8
# A compressed canary in a file of zeros must not fill the memory.
INFLATED_MAX_BYTES = 64 * 1024 * 1024
PDF = "PDF"
_SERIAL = re.compile(rb"\d{4}")


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A canary that was found: what it is, how it was written, and where. `mark`: which of its kind.

    `planted`: laid there on purpose, to see that the search sees.
    """

    kind: Kind
    how: str
    place: str
    mark: str
    planted: bool = False


class Searcher:
    """Finds every canary of these marks, in every encoding of `encodings`, letters large or small."""

    def __init__(self, marks: Marks, planted: Marks | None = None) -> None:
        needles: dict[bytes, tuple[Kind, str, str, bool]] = {}
        for each in (marks, planted or marks):
            for text, kind in (*((core, kind) for kind, core in each.cores.items()), *each.given.items()):
                for how, needle in encodings(text):
                    needles.setdefault(needle, (kind, how, "", each is planted))
            for kind, texts in each.digested.items():
                for text in texts:
                    for how, needle in digests(text):
                        needles.setdefault(needle, (kind, how, text, each is planted))
        self._needles = [
            (needle, what) for needle, what in needles.items() if len(needle) >= NEEDLE_MIN_BYTES
        ]
        self._pdfs: dict[bytes, set[Hit]] = {}
        self._automaton = BytesAhoCorasick(
            [needle for needle, _ in self._needles], implementation=Implementation.DFA
        )

    def hits(self, content: bytes, place: str) -> set[Hit]:
        """The canaries in these bytes and in what is packed in them."""
        found = {replace(hit, place=place) for hit in self._plain(content, "")}
        for how, opened in packed(content):
            if how == PDF:  # the same file is met in the store's files and in its answers
                key = hashlib.sha256(opened).digest()
                if key not in self._pdfs:
                    self._pdfs[key] = {
                        hit for way, inner in in_pdf(opened) for hit in self._plain(inner, way)
                    }
                found |= {replace(hit, place=place) for hit in self._pdfs[key]}
            else:
                found |= {replace(hit, place=place) for hit in self._plain(opened, how)}
        return found

    def _plain(self, content: bytes, how: str) -> set[Hit]:
        small, found = content.lower(), set()
        for index, _, end in self._automaton.find_matches_as_indexes(small, overlapping=True):
            kind, encoding, mark, planted = self._needles[index][1]
            serial = _SERIAL.match(small, end)
            shown = mark or (serial[0].decode() if serial else "")
            found.add(Hit(kind, f"{encoding}{how}", "", shown, planted))
        return found

    def in_files(self, folders: Iterable[Path]) -> set[Hit]:
        """The canaries in every file below these folders, and in the files' names."""
        found: set[Hit] = set()
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                place = str(path.relative_to(folder.parent))
                found |= self.hits(str(path.relative_to(folder)).encode("utf-8", "surrogateescape"), place)
                if path.is_symlink() or not path.is_file():
                    continue
                try:
                    found |= self.hits(path.read_bytes(), place)
                except FileNotFoundError:
                    continue  # the engines run: a file of theirs may go
        return found


def encodings(text: str) -> Iterator[tuple[str, bytes]]:
    """How a text could have been written, each in small letters: (what it is called, bytes)."""
    utf8 = text.encode()
    written = {
        "UTF-8": utf8,
        "UTF-16-LE": text.encode("utf-16-le"),
        "UTF-16-BE": text.encode("utf-16-be"),
        "GB 18030": text.encode("gb18030"),
        "\\u escapes": "".join(f"\\u{unit:04x}" for unit in _units(text)).encode(),
        "\\x escapes": "".join(f"\\x{byte:02x}" for byte in utf8).encode(),
        "octal escapes": "".join(f"\\{byte:03o}" for byte in utf8).encode(),
        "percent": "".join(f"%{byte:02X}" for byte in utf8).encode(),
        "percent, where needed": quote(text, safe="").encode(),
        "percent twice": quote("".join(f"%{byte:02X}" for byte in utf8), safe="").encode(),
        "quoted-printable": "".join(f"={byte:02X}" for byte in utf8).encode(),
        "HTML, decimal": "".join(f"&#{ord(c)};" for c in text).encode(),
        "HTML, hexadecimal": "".join(f"&#x{ord(c):x};" for c in text).encode(),
        "hexadecimal": utf8.hex().encode(),
        "hexadecimal of UTF-16-BE": text.encode("utf-16-be").hex().encode(),
    }
    for shift in range(3):
        written[f"base64, {shift} before"] = _base64(utf8, shift)
        written[f"base64url, {shift} before"] = _base64(utf8, shift).translate(bytes.maketrans(b"+/", b"-_"))
    yield from ((how, needle.lower()) for how, needle in written.items())


def digests(text: str) -> Iterator[tuple[str, bytes]]:
    """Hashes without a key, which whoever can list the texts can try out."""
    for form in (text, text.upper(), text.lower()):
        for name in ("md5", "sha1", "sha256", "sha512", "sm3"):
            digest = hashlib.new(name, form.encode(), usedforsecurity=False).digest()
            yield f"bare {name}", digest.lower()
            yield f"bare {name} in hexadecimal", digest.hex().encode()
            yield f"bare {name} in base64", base64.b64encode(digest).rstrip(b"=").lower()


def packed(content: bytes) -> Iterator[tuple[str, bytes]]:
    """What lies packed in these bytes: gzip members opened, and PDFs as they are (`in_pdf` opens those)."""
    for at in _starts(content, b"\x1f\x8b\x08"):
        try:
            opened = zlib.decompressobj(wbits=31).decompress(content[at:], INFLATED_MAX_BYTES)
        except zlib.error:
            continue
        yield ", gzip", opened
        yield from ((PDF, pdf) for pdf in _pdfs(opened))
    yield from ((PDF, pdf) for pdf in _pdfs(content))


def in_pdf(pdf: bytes) -> Iterator[tuple[str, bytes]]:
    """Everything in a PDF uncompressed, and the text of its pages, with and without blanks."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            plain = io.BytesIO()
            opened.save(
                plain,
                compress_streams=False,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
                stream_decode_level=pikepdf.StreamDecodeLevel.all,
            )
        shown = "".join(_page_texts(pdf))
    except (pikepdf.PdfError, pypdfium2.PdfiumError):
        return
    yield ", PDF stream", plain.getvalue()
    yield ", PDF page", shown.encode("utf-8", "surrogatepass")
    yield ", PDF page", "".join(shown.split()).encode("utf-8", "surrogatepass")


def _pdfs(content: bytes) -> Iterator[bytes]:
    starts = [*_starts(content, b"%PDF-"), len(content)]
    for start, next_start in pairwise(starts):
        end = content.rfind(b"%%EOF", start, next_start)
        if end >= 0:
            yield content[start : end + len(b"%%EOF\n")]


def _page_texts(pdf: bytes) -> Iterator[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        for page in document:
            text_page = page.get_textpage()
            yield text_page.get_text_bounded()
            text_page.close()
            page.close()
    finally:
        document.close()


def _starts(content: bytes, magic: bytes) -> Iterator[int]:
    at = content.find(magic)
    while at >= 0:
        yield at
        at = content.find(magic, at + 1)


def _units(text: str) -> Iterator[int]:
    big = text.encode("utf-16-be")
    return (int.from_bytes(big[at : at + 2]) for at in range(0, len(big), 2))


def _base64(content: bytes, shift: int) -> bytes:
    """The characters that stay the same whatever `shift` bytes stand before (modulo 3), whatever follows."""
    encoded = base64.b64encode(bytes(shift) + content)
    first = -(-shift * 8 // 6)
    whole = (shift + len(content)) * 8 // 6
    return encoded[first:whole]
