"""The operators that save and restore: found by our search as qpdf finds them, or left to it."""

from io import BytesIO

import pikepdf
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signing.pades.page import saves_and_restores

_PIECES = (
    *("q", "Q", "q ", " Q", "\n", " ", "0.5 w", "1 0 0 1 5 5 cm", "/q gs", "/Q0 Do", "<71 51>", "<4e2d>Tj"),
    *(
        "[<71>-20<51>]TJ",
        "[1 2]0 d",
        "(q Q) Tj",
        "(\\) q) Tj",
        "% q\n",
        "<</q 1>>BDC",
        "EMC",
        "re f*",
        "12q",
        "q12",
    ),
    *(
        "BI /W 1/H 1/BPC 8/CS/G ID q EI",
        "]q",
        ">Q",
        "q/Fm0 Do",
        "Q[1]0 d",
        "qq",
        "QQ",
        "Qq",
        "\x00q\x0c",
        "\x0bq",
    ),
    *("<q>", "[ q ]", "'", '"', "+q", "-.Q", "{q}"),
)


def _page(content: bytes) -> tuple[pikepdf.Pdf, pikepdf.Object]:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    page = pdf.pages[0].obj
    page.Contents = pdf.make_stream(content)
    held = BytesIO()
    pdf.save(held)
    return pdf, page


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
@example("q BI /W 1 ID Q EI Q")
@example("q 0 0 m [ (Q) ] TJ Q")
def test_it_finds_what_the_parser_finds(text: str) -> None:
    content = text.encode("latin-1")
    pdf, page = _page(content)
    with pdf:
        try:
            theirs = [str(each.operator) for each in pikepdf.parse_content_stream(page, "q Q")]
        except (pikepdf.PdfError, TypeError) as error:
            with pytest.raises(type(error)):
                list(saves_and_restores(page, content))
            return
        assert list(saves_and_restores(page, content)) == [each for each in theirs if each in {"q", "Q"}]


@pytest.mark.parametrize("content", [b"q 1 0 0 1 0 0 cm BT /F 12 Tf <4e2d>Tj ET Q", b"q\nQ\n", b""])
def test_plain_content_is_not_taken_apart(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    pdf, page = _page(content)
    with pdf:
        monkeypatch.delattr(pikepdf, "parse_content_stream")
        assert list(saves_and_restores(page, content)) == (["q", "Q"] if content else [])
