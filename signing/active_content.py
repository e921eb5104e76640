"""What makes a PDF show or do something else later: code, actions, attached files, media, content elsewhere.

Every value is looked at resolved: an indirect name is the same name.
"""

import re
from collections.abc import Iterator

import pikepdf

from vault.errors import DocumentRefused

OBJECTS_MAX = 300_000  # beside 2,000 pages of text and pictures; reading more keeps a core busy for seconds
NESTING_MAX = 100  # ISO 32000-1, annex C has no figure; real files stay under 20

# Actions (ISO 32000-1, table 198) that run code, leave the file or change it. GoTo, URI, Named, Thread stay.
_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/ResetForm",
        "/GoToR",
        "/GoToE",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/Hide",
        "/SetOCGState",
        "/GoTo3DView",
        "/RichMediaExecute",
    }
)
# Annotations (table 169) that play, or carry a file
_ANNOTATIONS = frozenset({"/RichMedia", "/Movie", "/Screen", "/Sound", "/3D", "/FileAttachment"})
_TREES = {
    "/JavaScript": "JavaScript",
    "/EmbeddedFiles": "embedded files",
    "/Renditions": "renditions",
}
# Events that start actions (tables 194 to 197), and the names that an embedded file has (table 44)
_EVENTS = (
    *("/E", "/X", "/D", "/U", "/Fo", "/Bl", "/PO", "/PC", "/PV", "/PI", "/O", "/C", "/K", "/F", "/V"),
    *("/WC", "/WS", "/DS", "/WP", "/DP"),
)
_FILES = ("/F", "/UF", "/DOS", "/Mac", "/Unix")
_SCRIPT_SCHEMES = ("javascript:", "vbscript:", "data:", "file:")
# Names that make a closer look worth its time; qpdf writes names out in their plain form (no #-escapes) and
# a reference as its two numbers
_SUSPICIOUS = re.compile(
    rb"/(?:S|Subtype) \d|/(?:AA|EF|XFA|Ref|JS|URI|Base|Next|Collection|"
    + b"|".join(name[1:].encode() for name in sorted(_ACTIONS | _ANNOTATIONS | set(_TREES)))
    + rb")(?=[\s/<>\[\]()]|$)"
)


def check_active(pdf: pikepdf.Pdf) -> None:
    """V2, for the gate and the judge alike: nothing in the file is active, attached or kept elsewhere.

    Raises:
        DocumentRefused: it names what was found.
    """
    if pdf.is_encrypted:  # even without a password: what is shown is not what was hashed
        raise DocumentRefused("The PDF is encrypted; hand it in without a password.")
    check_objects(pdf)
    _check_catalogue(pdf.Root)


def _check_catalogue(catalogue: pikepdf.Object) -> None:
    """Look at what the document itself starts, changes or carries.

    Raises:
        DocumentRefused: it names what was found.
    """
    opening = catalogue.get("/OpenAction")
    # an explicit destination or GoTo only chooses the view; office programs write one into every file
    if isinstance(opening, pikepdf.Dictionary) and opening.get("/S") != "/GoTo":
        raise DocumentRefused("The PDF starts an action when it is opened.")
    if "/Collection" in catalogue:
        raise DocumentRefused("The PDF is a portfolio of other files.")
    names = catalogue.get("/Names")
    if isinstance(names, pikepdf.Dictionary):
        for key, what in _TREES.items():
            if key in names:
                raise DocumentRefused(f"The PDF contains {what}.")
    form = catalogue.get("/AcroForm", pikepdf.Dictionary())
    if bool(form.get("/NeedAppearances", False)) and len(form.get("/Fields", pikepdf.Array())):
        raise DocumentRefused("The PDF has a form that each reader draws anew (NeedAppearances).")
    layers = catalogue.get("/OCProperties", pikepdf.Dictionary())
    for choice in (layers.get("/D"), *layers.get("/Configs", pikepdf.Array())):
        # clause 8.11.4.4: layers that go on and off by themselves, on paper say
        if isinstance(choice, pikepdf.Dictionary) and len(choice.get("/AS", pikepdf.Array())):
            raise DocumentRefused("The PDF has layers that are switched by events.")


def check_objects(pdf: pikepdf.Pdf) -> None:
    """Look at every object of the file, whether anything refers to it or not.

    Raises:
        DocumentRefused: it names what was found.
    """
    for count, held in enumerate(pdf.objects):
        if count > OBJECTS_MAX:
            raise DocumentRefused(f"The PDF has more than {OBJECTS_MAX} objects.")
        if isinstance(held, pikepdf.Stream):
            if "/F" in held.stream_dict:
                raise DocumentRefused("The PDF keeps content in other files.")
            held = held.stream_dict  # noqa: PLW2901 - what is looked at is the stream's dictionary
        if not isinstance(held, pikepdf.Dictionary | pikepdf.Array):
            continue
        _check_annotations(held)
        if _SUSPICIOUS.search(held.unparse(resolved=True)):
            for dictionary in _dictionaries(held, 0):
                found = _forbidden(dictionary)
                if found is not None:
                    raise DocumentRefused(f"The PDF contains {found}.")


def _check_annotations(held: pikepdf.Object) -> None:
    """Annotations are an array (clause 12.5.2); looked at before qpdf's page tree quietly drops others."""
    annotations = held.get("/Annots") if isinstance(held, pikepdf.Dictionary) else None
    if annotations is not None and not isinstance(annotations, pikepdf.Array):
        raise DocumentRefused("The PDF is damaged: a page's annotations are no array.")


def _dictionaries(held: pikepdf.Object, depth: int) -> Iterator[pikepdf.Object]:
    """The dictionaries inside one object, references not followed: each object has its own turn."""
    if depth > NESTING_MAX:
        raise DocumentRefused("The PDF nests its objects too deep.")
    inner: list[object] = []
    if isinstance(held, pikepdf.Dictionary):
        yield held
        inner = [value for _, value in held.items()]
    elif isinstance(held, pikepdf.Array):
        inner = list(held)
    for value in inner:
        if isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect:
            yield from _dictionaries(value, depth + 1)


def _forbidden(dictionary: pikepdf.Object) -> str | None:
    """What of the forbidden things a dictionary is or has, in words; None if nothing."""
    action, subtype = dictionary.get("/S"), dictionary.get("/Subtype")
    if isinstance(action, pikepdf.Name) and str(action) in _ACTIONS:
        return f"an action of type {str(action)[1:]}"
    if isinstance(subtype, pikepdf.Name) and str(subtype) in _ANNOTATIONS:
        return f"an annotation of type {str(subtype)[1:]}"
    # a font or picture may be named AA, EF or JS as well; it has neither events nor files, and is no text
    events, files = dictionary.get("/AA"), dictionary.get("/EF")
    found = (
        ("JavaScript", isinstance(dictionary.get("/JS"), pikepdf.String)),
        ("an XFA form", "/XFA" in dictionary),
        (
            "actions started by events",
            isinstance(events, pikepdf.Dictionary)
            and any(isinstance(events.get(key), pikepdf.Dictionary) for key in _EVENTS),
        ),
        ("an embedded file", isinstance(files, pikepdf.Dictionary) and any(key in files for key in _FILES)),
        (
            "a link that runs code or opens a file",
            any(_is_script(dictionary.get(key)) for key in ("/URI", "/Base")),
        ),
        (
            "content kept in another file",
            subtype == "/Form" and isinstance(dictionary.get("/Ref"), pikepdf.Dictionary),
        ),
    )
    return next((what for what, is_there in found if is_there), None)


def _is_script(link: object) -> bool:
    """Whether a link's scheme runs code or opens a local file; readers skip blanks and control characters."""
    if not isinstance(link, pikepdf.String):
        return False
    text = "".join(char for char in str(link) if char > " " and char.isprintable())
    return text.lower().startswith(_SCRIPT_SCHEMES)
