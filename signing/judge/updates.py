"""What was added to a PDF behind a signature, told from what was changed (rule V7).

ISO 32000-2, table 257, lets two things be appended to a certified file that permits no changes: a document
security store, and document time-stamps. The older revision is the file's own beginning, so an object that
stands where it stood is the same; only what the newer cross-references place elsewhere has to be looked at.
"""

import re
from typing import Any

import pikepdf

from signing.judge.appended import check_appended
from signing.judge.fields import Signed
from signing.judge.findings import SubIndication, failure
from signing.opening import open_pdf

OBJECTS_MAX = 50_000  # in one file; ours have some tens
ADDED_MAX = 20_000  # thirty years of renewals add some thousands
_STORE_LISTS = frozenset(("/Certs", "/OCSPs", "/CRLs"))
_STAMP_KEYS = frozenset(
    ("/Type", "/Filter", "/SubFilter", "/ByteRange", "/Contents", "/V", "/M", "/Reason", "/Name")
)
_FIELD_KEYS = frozenset(
    ("/Type", "/Subtype", "/FT", "/T", "/TU", "/F", "/Ff", "/Rect", "/P", "/V", "/AP", "/Lock")
)
_CATALOGUE_MAY_CHANGE = ("/DSS", "/AcroForm", "/Extensions", "/Version")
_REFERENCE = re.compile(rb"(?<![\d.])(\d{1,10}) (\d{1,5}) R(?![A-Za-z])")
_Objgen = tuple[int, int]


def check_only_long_term(document: bytes, end: int) -> None:
    """Returns where all that stands behind byte `end` is validation data and document time-stamps.

    The bytes are whole updates without anything between (`check_appended`). 1. the same catalogue; of its
    entries only the store, the form and the extensions differ; 2. the form has further fields at its end,
    each an invisible one with a document time-stamp that reaches beyond byte `end`, and is otherwise the
    same; 3. a page has at most these fields' widgets added; 4. nothing else stands elsewhere than before,
    but for new objects that belong to 1 to 3; 5. to none of those did the older revision refer: a hole in
    it must not be filled.

    Raises:
        SignatureError: something else was changed (SIG_CONSTRAINTS_FAILURE).
        pikepdf.PdfError, DocumentRefused: it cannot be read.
    """
    check_appended(document, end)
    with open_pdf(document[:end]) as old, open_pdf(document) as new:
        _check_update(old, new, end)


class Additions:
    """What stands behind each revision of one file: several rules ask, and each is looked at once."""

    def __init__(self, document: bytes) -> None:
        self._document = document
        self._outcomes: dict[int, Exception | None] = {}

    def check(self, end: int) -> None:
        """As `check_only_long_term`, which see."""
        if end not in self._outcomes:
            try:
                check_only_long_term(self._document, end)
            except Exception as error:  # noqa: BLE001 - hostile bytes raise anything; raised again below
                self._outcomes[end] = error
            else:
                self._outcomes[end] = None
        outcome = self._outcomes[end]
        if outcome is not None:
            raise outcome

    def are_for_the_long_term(self, end: int) -> bool:
        """Whether `check` passes; what cannot be read was not added for the long term."""
        try:
            self.check(end)
        except Exception:  # noqa: BLE001 - hostile bytes raise anything
            return False
        return True


def _check_update(old: pikepdf.Pdf, new: pikepdf.Pdf, end: int) -> None:
    before, after = old.get_xref_table(), new.get_xref_table()
    if max(len(before), len(after)) > OBJECTS_MAX:
        raise _changed("it has too many objects to be compared")
    if old.trailer.Root.objgen != new.trailer.Root.objgen or _text(old.trailer, "/Info") != _text(
        new.trailer, "/Info"
    ):
        raise _changed("it names another catalogue or other metadata")
    if any(objgen not in after for objgen in before):
        raise _changed("objects were taken away")
    touched = {objgen for objgen, entry in after.items() if _moved(before.get(objgen), entry)}
    added = {objgen for objgen in touched if objgen not in before}
    allowed = _Allowed(old, new, added, end)
    strange = touched - allowed.objects - _cross_references(new, added)
    if strange:
        raise _changed(f"{len(strange)} objects were changed or added that are neither")
    if len(added) > ADDED_MAX:
        raise _changed("too much was added to be looked at")
    # qpdf takes a reference to nothing for null; in the newer revision it shows as what it is
    if any(_refers_to(new.get_object(objgen), added) for objgen in before if objgen not in touched):
        raise _changed("what the older revision left open was filled in")


class _Allowed:
    """Collects the objects that an update for the long term may add or write anew, checking each.

    An object that was there before may be written anew only where it had the same part before: else a page's
    content could be passed off as a certificate.
    """

    def __init__(self, old: pikepdf.Pdf, new: pikepdf.Pdf, added: set[_Objgen], end: int) -> None:
        self.objects: set[_Objgen] = {new.Root.objgen}
        self._old, self._new, self._added, self._end = old, new, added, end
        self._same(old.Root, new.Root, _CATALOGUE_MAY_CHANGE, "the catalogue")  # 1
        self._extensions()
        if "/DSS" in new.Root:
            self._store(new.Root.DSS, old.Root.get("/DSS", pikepdf.Dictionary()))
        widgets = self._form()  # 2
        self._pages(widgets)  # 3

    def _extensions(self) -> None:
        held, was = self._new.Root.get("/Extensions"), self._old.Root.get("/Extensions")
        if held is None or _text(self._old.Root, "/Extensions") == _text(self._new.Root, "/Extensions"):
            return
        if not isinstance(held, pikepdf.Dictionary) or any(
            not isinstance(each, pikepdf.Dictionary) for each in held.values()
        ):
            raise _changed("its extensions are no such")
        self._own(held, was)
        for each in held.values():
            self._own(each)

    def _store(self, store: pikepdf.Object, was: pikepdf.Object) -> None:
        """The store: lists of streams, and the same by signature (/VRI)."""
        self._own(store, was)
        for key, value in store.items():
            if key in _STORE_LISTS:
                self._streams(value, was.get(key))
            elif key == "/VRI":
                self._by_signature(value, was.get(key, pikepdf.Dictionary()))
            elif key != "/Type":
                raise _changed("its security store holds something else")

    def _by_signature(self, held: pikepdf.Object, was: pikepdf.Object) -> None:
        self._own(held, was)
        for name, each in held.items():
            before = was.get(name, pikepdf.Dictionary())
            self._own(each, before)
            for key, inner in each.items():
                if isinstance(inner, pikepdf.Array):
                    self._streams(inner, before.get(key))
                elif isinstance(inner, pikepdf.Stream):
                    self._own(inner)

    def _streams(self, held: pikepdf.Object, was: pikepdf.Object | None) -> None:
        self._own(held, was)
        for each in held:
            if not isinstance(each, pikepdf.Stream) or "/Type" in each:
                raise _changed("its security store holds something else")
            self._own(each)

    def _form(self) -> list[_Objgen]:
        old = self._old.Root.get("/AcroForm", pikepdf.Dictionary())
        new = self._new.Root.get("/AcroForm", pikepdf.Dictionary())
        self._same(old, new, ("/Fields", "/SigFlags"), "the form")
        before, after = list(old.get("/Fields", [])), list(new.get("/Fields", []))
        if [each.objgen for each in after[: len(before)]] != [each.objgen for each in before] or any(
            not each.is_indirect for each in after
        ):
            raise _changed("the form's fields differ")
        self._own(new, old)
        self._own(new.get("/Fields"), old.get("/Fields"))
        for each in after[len(before) :]:
            self._stamp_field(each)
        return [each.objgen for each in after[len(before) :]]

    def _stamp_field(self, held: pikepdf.Object) -> None:
        value = held.get("/V")
        rectangle = [float(number) for number in held.get("/Rect", [0, 0, 0, 0])]
        if (
            held.get("/FT") != "/Sig"
            or not _FIELD_KEYS.issuperset(held.keys())
            or rectangle[0] != rectangle[2]
            or rectangle[1] != rectangle[3]
            or not isinstance(value, pikepdf.Dictionary)
            or value.get("/Type") != "/DocTimeStamp"
            or not _STAMP_KEYS.issuperset(value.keys())
        ):
            raise _changed("a field was added that is no invisible time-stamp")
        if Signed(held, value, "").range_end <= self._end:  # it would pass for one from before
            raise _changed("a time-stamp was added that does not cover what was there")
        self._own(held)
        self._own(value)
        appearance = held.get("/AP", pikepdf.Dictionary()).get("/N")
        if appearance is not None:  # of no area: whatever it draws is not seen
            self._own(held.get("/AP"))
            self._own(appearance)

    def _pages(self, widgets: list[_Objgen]) -> None:
        """Pages may have these widgets among their annotations; without any, no page need be looked at."""
        if not widgets or len(self._old.pages) != len(self._new.pages):
            return
        for before, after in zip(self._old.pages, self._new.pages, strict=True):
            was, is_now = before.obj.get("/Annots"), after.obj.get("/Annots")
            old = [] if was is None else [each.objgen for each in was]
            new = [] if is_now is None else [each.objgen for each in is_now]
            if old == new:
                continue
            if new[: len(old)] != old or not set(new[len(old) :]) <= set(widgets):
                raise _changed("a page's annotations differ")
            self._same(before.obj, after.obj, ("/Annots",), "a page")
            if before.obj.objgen != after.obj.objgen:
                raise _changed("a page was replaced")
            self.objects.add(after.obj.objgen)
            self._own(is_now, was)

    def _same(self, old: pikepdf.Object, new: pikepdf.Object, but: tuple[str, ...], what: str) -> None:
        keys = {key for key in (*old.keys(), *new.keys()) if key not in but}
        if any(_text(old, key) != _text(new, key) for key in keys):
            raise _changed(f"{what} differs")

    def _own(self, held: Any, was: Any = None) -> None:  # noqa: ANN401 - whatever the file holds there
        if not isinstance(held, pikepdf.Object) or not held.is_indirect:
            return
        same = isinstance(was, pikepdf.Object) and was.is_indirect and was.objgen == held.objgen
        if held.objgen in self._added or same:
            self.objects.add(held.objgen)


def _moved(before: Any, after: Any) -> bool:  # noqa: ANN401 - pikepdf publishes no type for its entries
    """Whether an object stands elsewhere than it did: at another offset, or in another object stream."""
    if before is None or before.type != after.type:
        return True
    if after.type == 1:
        return bool(before.offset != after.offset)
    return (before.obj_stream_number, before.obj_stream_index) != (
        after.obj_stream_number,
        after.obj_stream_index,
    )


def _cross_references(new: pikepdf.Pdf, added: set[_Objgen]) -> set[_Objgen]:
    """New cross-reference streams: their entries are what is compared here."""
    found = set()
    for objgen in added:
        held = new.get_object(objgen)
        if isinstance(held, pikepdf.Stream) and held.get("/Type") == "/XRef":
            found.add(objgen)
    return found


def _refers_to(held: Any, added: set[_Objgen]) -> bool:  # noqa: ANN401 - a number is no pikepdf.Object
    if isinstance(held, pikepdf.Stream):
        held = held.stream_dict
    text = held.unparse(resolved=True) if isinstance(held, pikepdf.Object) else b""
    return any((int(number), int(generation)) in added for number, generation in _REFERENCE.findall(text))


def _text(held: pikepdf.Object, key: str) -> bytes:
    """An entry as PDF text; references stay references."""
    value: Any = held.get(key)
    if value is None:
        return b""
    return value.unparse() if isinstance(value, pikepdf.Object) else repr(value).encode()


def _changed(what: str) -> Exception:
    return failure(
        SubIndication.SIG_CONSTRAINTS_FAILURE,
        f"Behind the signature stands more than validation data and time-stamps: {what}.",
    )
