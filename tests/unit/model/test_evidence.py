"""Portable evidence as a zip: what is opened, and what is refused before it costs anything."""

import zipfile
from datetime import UTC, datetime
from io import BytesIO

import pytest

from vault.errors import InputError
from vault.model.evidence import DOCUMENT, NAMES, PART_MAX_BYTES, open_evidence, pack_evidence

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PARTS = {name: f"as {name}".encode() for name in NAMES}


def zipped(parts: dict[str, bytes], method: int) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return out.getvalue()


def test_what_was_packed_is_opened() -> None:
    assert open_evidence(pack_evidence(PARTS, AT)).document == PARTS[DOCUMENT]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert open_evidence(zipped(PARTS, method)).document == PARTS[DOCUMENT]


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("damaged", [False, True])
def test_another_compression_is_refused_and_not_even_tried(method: int, damaged: bool) -> None:  # noqa: FBT001 - a parameter
    content = zipped({**PARTS, DOCUMENT: bytes(2 * PART_MAX_BYTES)}, method)
    if damaged:
        at = content.index(DOCUMENT.encode()) + len(DOCUMENT) + 12
        content = content[:at] + bytes(8) + content[at + 8 :]
    with pytest.raises(InputError, match="stored or deflated"):
        open_evidence(content)


def test_a_part_that_is_too_large_is_refused_whatever_it_was_packed_to() -> None:
    parts = {**PARTS, DOCUMENT: bytes(PART_MAX_BYTES + 1)}
    with pytest.raises(InputError, match="at most"):
        open_evidence(zipped(parts, zipfile.ZIP_DEFLATED))
