"""Sets a certificate's page: a Typst template, the data of one certificate, PDF/A-2b out."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from queue import LifoQueue
from typing import Any, Final

import typst

from signing.typeset.fonts import missing, typesetting_fonts
from signing.typeset.photo import print_photo
from signing.typeset.qr_places import QrPlace, qr_place
from signing.typeset.seal_places import LAST_PAGE, SEAL_PLACES
from vault.errors import FieldProblem, InputError, IntegrityError
from vault.model.statement import QR_SIZE_MM

TEMPLATES = Path(__file__).parent / "templates"
PDF_STANDARD: Final = "a-2b"
# A reply that runs to more is no certificate; it is handed in as a file.
PAGES_MAX = 30
USAGE_MARKS = "usage-marks"

_NO_GLYPH = "could not be displayed with font"
_OVERFLOW = re.compile(r"^panicked with: overflow: ([a-z]+)$")
_PAGE_COUNT = re.compile(rb"/Type/Pages/Count (\d+)")
# What of a template's data came with the deposit, and where it stood there.
_OVERFLOW_POINTERS = {"holders": "/holders", "fields": "/fields"}


@dataclass(frozen=True, slots=True)
class TypesetPage:
    """A finished PDF/A-2b file without QR and seal. `qr_place`: where its QR goes, its page from 1 on."""

    content: bytes = field(repr=False)
    page_count: int
    qr_place: QrPlace


@dataclass(frozen=True, slots=True)
class UsageWords:
    """What a usage copy says: `cell`, the lines of its watermark; the others stand in the strip below a page.

    `rows`: label and text; `fine`: small lines.
    """

    cell: tuple[str, ...] = field(repr=False)
    title: str
    lead: str
    rows: tuple[tuple[str, str], ...] = field(repr=False)
    fine: tuple[str, ...] = field(repr=False)


def page_inputs(template: str, data: Mapping[str, Any]) -> tuple[dict[str, str], QrPlace]:
    """What a template reads as `sys.inputs`: the data, where its seal goes, and where its QR does.

    Raises:
        InputError: a broken photo, at `/fields/photo`.
        IntegrityError: the template is unknown.
    """
    place = SEAL_PLACES.get(template)
    if place is None:
        raise IntegrityError(f"There is no template {template!r}.")
    photo = data.get("photo")
    shown = {**data, "photo": None if photo is None else print_photo(photo)}
    qr = qr_place(template, photo=photo is not None)
    inputs = {
        "data": json.dumps(shown, ensure_ascii=False),
        "qr": json.dumps({"x": qr.left_mm, "y": qr.top_mm, "size": QR_SIZE_MM}),
        "seal": json.dumps({"x": place.x_mm, "y": place.y_mm}),
    }
    return inputs, qr


def template_source(template: str) -> str:
    """The text of a template as it comes with the vault.

    Raises:
        IntegrityError: there is none of this name.
    """
    if template not in SEAL_PLACES:
        raise IntegrityError(f"There is no template {template!r}.")
    return (TEMPLATES / f"{template}.typ").read_text(encoding="utf-8")


class Typesetter:
    """One per process: the fonts, read once, and `compilers` Typst compilers that are lent out one by one.

    A compiler in two threads at once raises `Already borrowed`; a thread that finds none free waits. Nothing
    is written to disk and nothing is fetched.
    """

    def __init__(self, *, compilers: int) -> None:
        fonts = typesetting_fonts()
        self._free: LifoQueue[typst.Compiler] = LifoQueue()
        for _ in range(compilers):
            self._free.put(typst.Compiler(root=TEMPLATES, font_paths=fonts, ignore_system_fonts=True))

    def typeset(self, template: str, data: Mapping[str, Any], *, at: datetime) -> TypesetPage:
        """Set one certificate. The same arguments give the same bytes.

        `data` is what `vault.catalogue.page_data` gives; `at` becomes the file's creation time.

        Raises:
            InputError: a character that no font has, a text too long for the page, a broken photo; the
                problems point into the deposit's result (`/holders/0/name`, `/fields/…`) and never hold text.
            IntegrityError: the template is unknown or broken, or the vault gave it what it cannot take.
        """
        inputs, qr = page_inputs(template, data)
        try:
            content = self._compiled(template, inputs, at)
        except typst.TypstError as error:
            # `from None`: Typst quotes the text that it stumbled over, and tracebacks reach logs.
            raise _fault(template, str(error.message), data) from None
        count = _page_count(content)
        return TypesetPage(content, count, replace(qr, page=count) if qr.page == LAST_PAGE else qr)

    def usage_marks(self, words: UsageWords, *, at: datetime) -> bytes:
        """What a usage copy says, as a file of two pages: the watermark's cell, and the strip.

        Raises:
            InputError: characters that no font has; the problem's pointer is empty, since the words come from
                several fields.
            IntegrityError: the template is broken.
        """
        texts = [
            *words.cell,
            words.title,
            words.lead,
            *(part for row in words.rows for part in row),
            *words.fine,
        ]
        count = missing(texts)
        if count:
            raise InputError(
                f"{count} different character(s) cannot be printed: no font has a glyph for them."
            )
        strip = {"title": words.title, "lead": words.lead, "rows": words.rows, "fine": words.fine}
        data = json.dumps({"cell": words.cell, "strip": strip}, ensure_ascii=False)
        try:
            return self._compiled(USAGE_MARKS, {"data": data}, at)
        except typst.TypstError as error:
            raise IntegrityError(f"Template {USAGE_MARKS!r} failed: {_safe(str(error.message))}.") from None

    def _compiled(self, template: str, inputs: dict[str, str], at: datetime) -> bytes:
        with self._compiler() as compiler:
            content = compiler.compile(
                TEMPLATES / f"{template}.typ",
                format="pdf",
                sys_inputs=inputs,
                pdf_standards=PDF_STANDARD,
                timestamp=at.replace(microsecond=0),  # Typst takes whole seconds
            )
        if not isinstance(content, bytes):
            raise IntegrityError(f"Typst gave no PDF for template {template!r}.")
        return content

    @contextmanager
    def _compiler(self) -> Iterator[typst.Compiler]:
        compiler = self._free.get()
        try:
            yield compiler
        finally:
            self._free.put(compiler)


def _page_count(content: bytes) -> int:
    found = _PAGE_COUNT.search(content)
    if found is None:
        raise IntegrityError("A typeset file has no page tree where Typst writes it.")
    count = int(found[1])
    if count > PAGES_MAX:
        raise InputError.at("/fields", f"The text fills {count} pages, at most {PAGES_MAX} are set.")
    return count


def _fault(template: str, message: str, data: Mapping[str, Any]) -> InputError | IntegrityError:
    """What a Typst error means to the caller."""
    if _NO_GLYPH in message:
        problems = tuple(_glyph_problems(data))
        if problems:
            return InputError(
                "Some characters cannot be printed: the fonts have no glyph for them.", *problems
            )
        return IntegrityError(f"Template {template!r} itself uses a character that no font has.")
    overflow = _OVERFLOW.match(message)
    if overflow is not None:
        return InputError.at(_OVERFLOW_POINTERS[overflow[1]], "The text is too long for the page.")
    # Typst's sentence about a fault in the template may quote a value: only its first words are safe.
    return IntegrityError(f"Template {template!r} failed: {_safe(message)}.")


def _safe(message: str) -> str:
    return re.sub(r"[`\"'].*", "…", message, flags=re.DOTALL)[:80]


def _glyph_problems(data: Mapping[str, Any]) -> Iterator[FieldProblem]:
    places: list[tuple[str, Any]] = [("/number", data["number"])]
    places += [(f"/holders/{i}/name", holder["name"]) for i, holder in enumerate(data["holders"])]
    places += [(f"/fields/{entry}", value) for entry, value in data["fields"].items()]
    for pointer, value in places:
        count = missing(_texts(value))
        if count:
            yield FieldProblem(pointer, f"{count} different character(s) here have no glyph in any font.")


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for entry in value:
                yield from _texts(entry)
