"""V1: a PDF's first and last bytes, and nothing else that the same bytes could be taken for.

One file that is two things shows each reader another one. The gate and the judge use the same rule.
"""

from vault.errors import DocumentRefused

_BLANK = b"\x00\t\n\f\r "
# Where else a reader of another format looks for its mark: offset and mark. Formats that are known by byte 0
# are none of these, since %PDF- stands there.
_MARKS_AT = (
    (128, b"DICM", "a DICOM image"),
    (257, b"ustar", "a tar archive"),
    (0x8001, b"CD001", "a disk image (ISO 9660)"),
    (0x8801, b"CD001", "a disk image (ISO 9660)"),
    (0x9001, b"CD001", "a disk image (ISO 9660)"),
)
# A ZIP is read from its end: a record of 22 bytes and a comment of 65,535 at most (APPNOTE 6.3.10, 4.3.16)
_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22
_ZIP_COMMENT_MAX_BYTES = 65_535
_ZIP_COMMENT_SIZE = slice(20, 22)
# Self-extracting archives are looked for in the first megabyte. Six bytes do not stand there by chance.
_ARCHIVE_SEARCHED_BYTES = 1024 * 1024
_ARCHIVES = ((b"Rar!\x1a\x07", "a RAR archive"), (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"))
# Between the first line and the first object stands a short comment (ISO 32000-1, clause 7.5.2). What a
# browser or an interpreter would run has no place there.
_HEAD_SEARCHED_BYTES = 1024
_SCRIPTS = (b"<html", b"<script", b"<?php", b"<svg", b"<!doctype")


def check_ends(document: bytes, *, size_max_bytes: int) -> None:
    """Refuse what is too large, does not begin with `%PDF-` at byte 0 or end with `%%EOF`, or is two things.

    Raises:
        DocumentRefused: with a sentence that tells the sender what is wrong.
    """
    if len(document) > size_max_bytes:
        raise DocumentRefused(f"The PDF has {len(document)} bytes; at most {size_max_bytes} are taken.")
    if not document.startswith(b"%PDF-"):
        raise DocumentRefused("The file is no PDF: it does not begin with %PDF-.")
    if not document[-_HEAD_SEARCHED_BYTES:].rstrip(_BLANK).endswith(b"%%EOF"):
        raise DocumentRefused("The PDF is cut off or has something behind it: it does not end with %%EOF.")
    also = _also(document)
    if also is not None:
        raise DocumentRefused(f"The file is a PDF and {also} at once.")


def check_zip_ends(document: bytes) -> None:
    """A ZIP, such as an OFD, that is no PDF at once: readers find one behind some other bytes.

    Raises:
        DocumentRefused: it is both.
    """
    if b"%PDF-" in document[:_HEAD_SEARCHED_BYTES]:
        raise DocumentRefused("The file is a ZIP archive and a PDF at once.")


def _also(document: bytes) -> str | None:
    """What else the bytes are, in words; None if nothing that is known."""
    for offset, mark, what in _MARKS_AT:
        if document.startswith(mark, offset):
            return what
    if _is_zip(document):
        return "a ZIP archive"
    for mark, what in _ARCHIVES:
        if document.find(mark, 0, _ARCHIVE_SEARCHED_BYTES) >= 0:
            return what
    head = document[:_HEAD_SEARCHED_BYTES].partition(b" obj")[0].lower()
    return "a page that a browser would run" if any(script in head for script in _SCRIPTS) else None


def _is_zip(document: bytes) -> bool:
    """Whether a ZIP's end record stands near the end, with a comment that reaches just to the end."""
    at = len(document)
    lowest = max(0, at - _ZIP_END_BYTES - _ZIP_COMMENT_MAX_BYTES)
    while (at := document.rfind(_ZIP_END, lowest, at)) >= 0:
        comment = int.from_bytes(document[at:][_ZIP_COMMENT_SIZE], "little")
        # readers are lenient about what stands behind the comment, so only a comment too long is none
        if at + _ZIP_END_BYTES + comment <= len(document):
            return True
    return False
