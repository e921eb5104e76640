"""What a workbook (ECMA-376) may hold before anybody parses it: bounded parts, in UTF-8, without entities."""

import re
import zipfile
import zlib
from io import SEEK_END
from typing import IO, BinaryIO

from vault.errors import InputError

# What a workbook may inflate to, and by how much: one of a million rows has about 2 GiB of XML.
WORKBOOK_MAX_BYTES = 6 * 1024 * 1024 * 1024
WORKBOOK_RATIO_MAX = 200
# All parts but the sheets are held in memory as a whole, the texts of the cells as several times that.
HELD_MAX_BYTES = 128 * 1024 * 1024
_CONTENT_TYPES = "[Content_Types].xml"
_CONTENT_TYPES_MAX_BYTES = 1024 * 1024
_SHEETS = "xl/worksheets/"
_PART_BYTES = 1024 * 1024
_DOCTYPE = b"<!DOCTYPE"
# Of UTF-16 and UTF-32, with and without a byte order mark (XML 1.0, appendix F).
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00")
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_PLAIN_ENCODINGS = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_SHARED_STRINGS = b"sharedStrings+xml"


def check_workbook(file: BinaryIO) -> None:
    """Nothing in it inflates beyond its cap, and no part of it declares entities, in whatever encoding.

    Raises:
        InputError: it is none, or breaks one of these rules.
    """
    try:
        with zipfile.ZipFile(file) as packed:
            parts = packed.infolist()
            size = sum(part.file_size for part in parts)
            if size > WORKBOOK_MAX_BYTES or size > WORKBOOK_RATIO_MAX * file.seek(0, SEEK_END):
                raise InputError("The workbook inflates beyond all measure: save it as CSV.")
            if (
                sum(part.file_size for part in parts if not part.filename.startswith(_SHEETS))
                > HELD_MAX_BYTES
            ):
                raise InputError("The workbook has more texts than are held in memory: save it as CSV.")
            _check_shared_strings(packed)
            for part in parts:
                with packed.open(part) as content:
                    _check_part(content)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise InputError("The manifest is no workbook that can be read.") from error


def _check_shared_strings(packed: zipfile.ZipFile) -> None:
    """The shared texts are none of the sheets, which alone may be large: by name, where they say it."""
    if _CONTENT_TYPES not in packed.namelist():
        raise InputError("The manifest is no workbook that can be read.")
    with packed.open(_CONTENT_TYPES) as content:
        said = content.read(_CONTENT_TYPES_MAX_BYTES + 1)
    if len(said) > _CONTENT_TYPES_MAX_BYTES or b"&" in said:
        raise InputError("The manifest is no workbook that can be read.")
    for element in re.findall(rb"<[^>]*>", said):
        if _SHARED_STRINGS in element and _SHEETS.encode() in element:
            raise InputError("The workbook has its shared texts among its sheets: save it as CSV.")


def _check_part(content: IO[bytes]) -> None:
    kept = b""
    while part := content.read(_PART_BYTES):
        if not kept:
            _check_encoding(part)
        if _DOCTYPE in kept + part:
            raise InputError("The workbook declares a document type: no spreadsheet does.")
        kept = part[1 - len(_DOCTYPE) :]


def _check_encoding(head: bytes) -> None:
    named = _ENCODING.search(head)
    if head.startswith(_WIDE) or (named and named[1].lower() not in _PLAIN_ENCODINGS):
        raise InputError("The workbook has a part that is not in UTF-8: no spreadsheet writes that.")
