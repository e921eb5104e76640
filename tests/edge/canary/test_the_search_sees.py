"""The searcher finds a canary of each kind in each encoding and container; were it blind, this would fail."""

import base64
import gzip
import hashlib
import io
import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import quote

import pikepdf
import pytest
import typst

from signing.typeset.fonts import typesetting_fonts
from tests.edge.canary.marks import GUESSABLE, MADE_HERE, Kind, Marks
from tests.edge.canary.searching import Searcher

# As somebody else would write it, not by the searcher's own functions.
WRITTEN: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode(),
    "in capitals": lambda text: text.upper().encode(),
    "in small letters": lambda text: text.lower().encode(),
    "JSON with escapes": lambda text: json.dumps({"x": [text]}).encode(),
    "UTF-16": lambda text: f"x{text}".encode("utf-16"),
    "GBK": lambda text: text.encode("gbk"),
    "an address": lambda text: quote(f"https://x.example/{text}?y={text}").encode(),
    "an address in an address": lambda text: quote(quote(text)).encode(),
    "HTML": lambda text: escape(text).encode("ascii", "xmlcharrefreplace"),
    "Python's bytes": lambda text: repr(text.encode()).encode(),
    "hexadecimal": lambda text: f"\\x{text.encode().hex().upper()}".encode(),
    "gzip": lambda text: b"\x00\x00" + gzip.compress(f"x{text}x".encode()) + b"behind",
}


def marked() -> tuple[Marks, dict[Kind, str]]:
    marks = Marks()
    texts = {kind: marks.new(kind) for kind in MADE_HERE}
    texts |= {kind: marks.adopt(kind, marks.new(Kind.SECRET)[::-1]) for kind in Kind if kind not in MADE_HERE}
    return marks, texts


MARKS, TEXTS = marked()
SEARCHER = Searcher(MARKS)


def kinds(content: bytes) -> set[Kind]:
    return {hit.kind for hit in SEARCHER.hits(content, "")}


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("kind", Kind)
def test_a_canary_is_found_however_it_is_written(kind: Kind, how: str) -> None:
    assert kind in kinds(WRITTEN[how](TEXTS[kind]))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("before", range(4))
def test_a_canary_is_found_in_base64_wherever_it_begins(kind: Kind, before: int) -> None:
    content = b"x" * before + TEXTS[kind].encode() + b"yz"
    for written in (base64.b64encode(content), base64.urlsafe_b64encode(content).rstrip(b"=")):
        assert kind in kinds(b'{"x": "' + written + b'"}')


@pytest.mark.parametrize("kind", sorted(GUESSABLE))
def test_a_bare_hash_of_what_can_be_guessed_is_found(kind: Kind) -> None:
    digest = hashlib.sha256(TEXTS[kind].encode())
    for written in (digest.digest(), digest.hexdigest().encode(), base64.b64encode(digest.digest())):
        assert kind in kinds(b"\x00" + written + b"\x00")


@pytest.mark.parametrize("kind", Kind)
def test_a_canary_is_found_on_a_page_and_in_a_stream(kind: Kind) -> None:
    """On the page it is glyphs of a subset of a font: no search of bytes would see it."""
    page: bytes = typst.compile(TEXTS[kind].encode(), font_paths=typesetting_fonts())
    assert TEXTS[kind].encode() not in page
    assert kind in kinds(b"\x00" * 100 + page + b"\x00" * 100)
    pdf, out = pikepdf.new(), io.BytesIO()
    pdf.add_blank_page().Contents = pdf.make_stream(b"% " + TEXTS[kind].encode() * 9)
    pdf.save(out, recompress_flate=True)
    assert kind in kinds(gzip.compress(out.getvalue()))


@pytest.mark.parametrize("kind", Kind)
def test_a_canary_is_found_in_a_file_and_in_its_name(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"\n".join([b"x" * 9999, TEXTS[kind].encode(), b"x" * 9999]))
    (tmp_path / f"{TEXTS[kind]}.pdf").write_bytes(b"")
    places = {hit.place for hit in SEARCHER.in_files([tmp_path]) if hit.kind is kind}
    assert places == {f"{tmp_path.name}/deep/log", f"{tmp_path.name}/{TEXTS[kind]}.pdf"}


def test_others_texts_are_no_canaries() -> None:
    _, other = marked()
    assert kinds("\n".join(other.values()).encode() + bytes(range(256)) * 1000) == set()


def test_a_hit_says_which_text_it_was() -> None:
    first, second = MARKS.new(Kind.NAME), MARKS.new(Kind.NAME)
    assert first != second
    [hit] = [each for each in SEARCHER.hits(second.encode(), "here") if each.how == "UTF-8"]
    assert (hit.place, second.endswith(hit.mark)) == ("here", True)
    assert str(MARKS.cores[Kind.ID_NUMBER]) in MARKS.new(Kind.ID_NUMBER)
