"""What the gate refuses, one defect a file, and what it must let through."""

from collections.abc import Mapping
from io import BytesIO

import pikepdf
import pytest

from signing import intake
from signing.intake import admit_pdf
from tests.signing.workshop import tiny_pdf
from vault.errors import DocumentRefused

D, N, S, A = pikepdf.Dictionary, pikepdf.Name, pikepdf.String, pikepdf.Array


def link(action: pikepdf.Object) -> Mapping[str, object]:
    """A page with one link annotation that does something."""
    return {"/Annots": [D({"/Type": N.Annot, "/Subtype": N.Link, "/Rect": [0, 0, 9, 9], "/A": action})]}


def annotation(subtype: str) -> Mapping[str, object]:
    """A page with one annotation of a kind."""
    return {"/Annots": [D({"/Type": N.Annot, "/Subtype": N(subtype), "/Rect": [0, 0, 9, 9]})]}


FORBIDDEN_PAGES = {
    "javascript": link(D({"/S": N.JavaScript, "/JS": S("app.alert(1)")})),
    "launch": link(D({"/S": N.Launch, "/F": S("calc.exe")})),
    "submit": link(D({"/S": N.SubmitForm, "/F": S("x")})),
    "import": link(D({"/S": N.ImportData, "/F": S("x")})),
    "elsewhere": link(D({"/S": N.GoToR, "/F": S("x.pdf"), "/D": S("a")})),
    "embedded": link(D({"/S": N.GoToE, "/D": S("a")})),
    "hide": link(D({"/S": N.Hide, "/T": S("a")})),
    "second in a row": link(
        D({"/S": N.URI, "/URI": S("http://example.org"), "/Next": D({"/S": N.JavaScript, "/JS": S("1")})})
    ),
    "events": {"/AA": D({"/O": D({"/S": N.Named, "/N": N.NextPage})})},
    "rich media": annotation("/RichMedia"),
    "movie": annotation("/Movie"),
    "screen": annotation("/Screen"),
    "3d": annotation("/3D"),
    "attachment": annotation("/FileAttachment"),
    "reference": {
        "/Resources": D({"/XObject": D({"/X": D({"/Subtype": N.Form, "/Ref": D({"/F": S("x")})})})})
    },
}
FORBIDDEN_PAGES |= {
    "action of structure type": link(D({"/S": N.Launch, "/Type": N.StructElem, "/F": S("x")})),
    "script without type": link(D({"/S": S("?"), "/JS": S("app.alert(1)")})),
    "script as a link": link(D({"/S": N.URI, "/URI": S(" Java\tScript:app.alert(1)")})),
    "typed events": {"/AA": D({"/Type": N.Font, "/O": D({"/S": N.Named, "/N": N.NextPage})})},
}
FORBIDDEN_CATALOGUES = {
    "action when opened": {"/OpenAction": D({"/S": N.JavaScript, "/JS": S("1")})},
    "named action when opened": {"/OpenAction": D({"/S": N.Named, "/N": N.Print})},
    "scripts by name": {"/Names": D({"/JavaScript": D({"/Names": A()})})},
    "files by name": {"/Names": D({"/EmbeddedFiles": D({"/Names": A()})})},
    "portfolio": {"/Collection": D({"/Type": N.Collection})},
    "xfa": {"/AcroForm": D({"/Fields": A(), "/XFA": S("<xdp/>")})},
    "typed embedded file": {"/AF": A([D({"/F": S("x"), "/EF": D({"/Type": N.Font, "/F": S("x")})})])},
    "fields drawn anew": {"/AcroForm": D({"/Fields": A([D({"/T": S("a")})]), "/NeedAppearances": True})},
    "layers by event": {
        "/OCProperties": D({"/OCGs": A(), "/D": D({"/AS": A([D({"/Event": N.Print, "/OCGs": A()})])})})
    },
    "base of scripts": {"/URI": D({"/Base": S("javascript:")})},
    "fields in a dictionary": {"/AcroForm": D({"/Fields": D({"/A": S("x")})})},
    "fields that are none": {"/AcroForm": D({"/Fields": A([1])})},
    "associated file": {"/AF": A([D({"/Type": N.Filespec, "/F": S("x"), "/EF": D({"/F": S("x")})})])},
}


@pytest.mark.parametrize("page", FORBIDDEN_PAGES.values(), ids=FORBIDDEN_PAGES.keys())
@pytest.mark.parametrize("xref_stream", [False, True], ids=["table", "stream"])
def test_a_page_with_active_content_is_refused(
    page: Mapping[str, object],
    xref_stream: bool,  # noqa: FBT001 - a pytest parameter
) -> None:
    with pytest.raises(DocumentRefused):
        admit_pdf(tiny_pdf(page=page, xref_stream=xref_stream))


@pytest.mark.parametrize("catalogue", FORBIDDEN_CATALOGUES.values(), ids=FORBIDDEN_CATALOGUES.keys())
def test_a_document_with_active_content_is_refused(catalogue: Mapping[str, object]) -> None:
    with pytest.raises(DocumentRefused):
        admit_pdf(tiny_pdf(catalogue=catalogue))


@pytest.mark.parametrize("chained", [False, True], ids=["at once", "next"])
@pytest.mark.parametrize("kind", ["/JavaScript", "/Launch"])
@pytest.mark.parametrize("xref_stream", [False, True], ids=["table", "stream"])
def test_an_action_by_reference_is_refused(
    kind: str,
    chained: bool,  # noqa: FBT001 - a pytest parameter
    xref_stream: bool,  # noqa: FBT001 - a pytest parameter
) -> None:
    action = D({"/S": S("@"), "/X": S("app.alert(1)")})
    if chained:
        action = D({"/S": N.URI, "/URI": S("http://example.org"), "/Next": action})
    document = with_reference(tiny_pdf(page=link(action)), "/S", kind, xref_stream=xref_stream)
    with pytest.raises(DocumentRefused, match="action"):
        admit_pdf(document)


def test_an_annotation_type_by_reference_is_refused() -> None:
    document = with_reference(tiny_pdf(page=annotation("/Q")), "/Subtype", "/RichMedia", xref_stream=False)
    with pytest.raises(DocumentRefused, match="annotation"):
        admit_pdf(document)


def test_annotations_in_a_dictionary_are_refused() -> None:
    with pytest.raises(DocumentRefused, match="annotations"):
        admit_pdf(tiny_pdf(page={"/Annots": D({"/A": S("x")})}))


def with_reference(document: bytes, key: str, name: str, *, xref_stream: bool) -> bytes:
    """The document with the first annotation's key (or that of its last action) held as its own object."""
    with pikepdf.open(BytesIO(document)) as pdf:
        held = pdf.pages[0].obj.Annots[0]
        if key == "/S":
            held = held.A
            held = held.get("/Next", held)
        held[key] = pdf.make_indirect(N(name))
        out = BytesIO()
        mode = pikepdf.ObjectStreamMode.generate if xref_stream else pikepdf.ObjectStreamMode.disable
        pdf.save(out, object_stream_mode=mode)
    assert xref_stream or (name.encode() + b"\nendobj") in out.getvalue()
    return out.getvalue()


def test_a_name_in_disguise_is_refused() -> None:
    document = tiny_pdf(page=link(D({"/S": N.JavaScript, "/JS": S("1")})))
    assert document.count(b"/JavaScript") == 1
    disguised = document.replace(b"/JavaScript", b"/JavaScr#69pt")
    at = disguised.rindex(b"startxref") + 10
    moved = int(document[document.rindex(b"startxref") + 10 :].split()[0]) + 2
    disguised = disguised[:at] + b"%d\n%%%%EOF\n" % moved
    with pytest.raises(DocumentRefused):
        admit_pdf(disguised)


@pytest.mark.parametrize(
    "page",
    [
        link(D({"/S": N.URI, "/URI": S("http://example.org/")})),
        link(D({"/S": N.GoTo, "/D": S("a")})),
        link(D({"/S": N.Named, "/N": N.NextPage})),
        {
            "/Resources": D(
                {"/Font": D({"/AA": D({"/Type": N.Font, "/Subtype": N.Type1, "/BaseFont": N.Courier})})}
            )
        },
        {"/Note": S("a text that names /JavaScript and /Launch")},
        {"/PieceInfo": D({"/S": S("/JavaScript")})},
    ],
)
def test_harmless_look_alikes_pass(page: Mapping[str, object]) -> None:
    assert admit_pdf(tiny_pdf(page=page)).page_count == 1


def test_a_view_chosen_at_opening_passes() -> None:
    assert admit_pdf(tiny_pdf(catalogue={"/OpenAction": D({"/S": N.GoTo, "/D": S("a")})})).page_count == 1
    assert admit_pdf(tiny_pdf(catalogue={"/OpenAction": A([0, N.Fit])})).page_count == 1


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"", "no PDF"),
        (b"PK\x03\x04", "no PDF"),
        (b"\n" + tiny_pdf(), "begin"),
        (tiny_pdf() + b"PK\x03\x04", "end"),
        (tiny_pdf()[:-20], "end"),
        (b"%PDF-1.7\nstartxref\n9\n%%EOF", "damaged"),
        (tiny_pdf().replace(b"/Pages", b"/Pagez"), "damaged|pages"),
    ],
)
def test_what_is_no_whole_pdf_is_refused(document: bytes, sentence: str) -> None:
    with pytest.raises(DocumentRefused, match=sentence):
        admit_pdf(document)


def test_blank_behind_the_end_passes() -> None:
    assert admit_pdf(tiny_pdf() + b"\r\n\n").page_count == 1


def test_a_large_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    document = tiny_pdf()
    monkeypatch.setattr(intake, "PDF_SIZE_MAX_BYTES", len(document))
    assert admit_pdf(document).page_count == 1
    with pytest.raises(DocumentRefused, match="bytes"):
        admit_pdf(document + b"\n")


def test_a_file_without_pages_is_refused() -> None:
    out = BytesIO()
    pikepdf.new().save(out)
    with pytest.raises(DocumentRefused, match="0 pages"):
        admit_pdf(out.getvalue())


def test_an_encrypted_file_is_refused() -> None:
    for password in ("", "secret"):
        with pikepdf.open(BytesIO(tiny_pdf())) as pdf:
            out = BytesIO()
            pdf.save(out, encryption=pikepdf.Encryption(owner="owner", user=password))
        with pytest.raises(DocumentRefused, match="encrypted"):
            admit_pdf(out.getvalue())


def test_sizes_are_those_of_the_page_as_displayed() -> None:
    turned = admit_pdf(tiny_pdf(page={"/Rotate": 90}))
    assert turned.page_sizes_mm == ((297.04, 209.9),)
    assert turned.pdfa is None
