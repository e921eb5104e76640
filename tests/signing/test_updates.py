"""What may stand behind a seal: validation data and time-stamps, and nothing that calls itself so."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO

import pikepdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing.judge.appended import check_appended
from signing.judge.updates import check_only_long_term
from signing.pades.long_term import ValidationData, append_time_stamp, append_validation_data
from signing.timestamp import TimeStampAuthority
from signing.validate import Trust, judge_pdf
from tests.signing import attacks
from tests.signing.workshop import NOW, Workshop, tiny_pdf
from vault.errors import DocumentRefused, SignatureError
from vault.model.verdict import CheckResult, Indication, SealReport, SignatureKind

LATER = NOW + timedelta(seconds=1)
DANGLING = 90
STREAM = b"<</Length 4>>\nstream\nevil\nendstream"


@pytest.fixture(scope="module")
def sealed(workshop: Workshop) -> bytes:
    """A sealed file whose content refers to an object that is not there: number 90."""
    with pikepdf.open(BytesIO(tiny_pdf())) as pdf:
        pdf.pages[0].obj.Contents.Note = pikepdf.Array([0])
        out = BytesIO()
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable, deterministic_id=True)
    document = _put_right(out.getvalue(), b"/Note [ 0 ]", b"/Note 90 0 R")
    return workshop.seal(document, tsa=workshop.tsa).content


def _put_right(document: bytes, old: bytes, new: bytes) -> bytes:
    """Replaced, and the cross-reference table made right again by hand."""
    assert document.count(old) == 1
    at = document.index(old)
    grown = len(new) - len(old)
    changed = document.replace(old, new)
    head, tail = changed[: changed.index(b"\nxref\n") + 1], changed[changed.index(b"\nxref\n") + 1 :]
    lines = []
    for line in tail.split(b"\n"):
        if len(line) >= 18 and line[:10].isdigit() and line[17:18] == b"n" and int(line[:10]) > at:
            lines.append(b"%010d" % (int(line[:10]) + grown) + line[10:])
        else:
            lines.append(line)
    start = b"startxref\n"
    rest = b"\n".join(lines)
    return head + rest[: rest.index(start)] + start + b"%d\n%%%%EOF\n" % len(head)


def updated(
    document: bytes, objects: Mapping[int, bytes], *, info: bytes = b"", between: bytes = b""
) -> bytes:
    """The file with an update of these objects, its trailer as it was but for `info`."""
    with pikepdf.open(BytesIO(document)) as pdf:
        root, size = pdf.Root.objgen[0], max(int(pdf.trailer.Size), *(n + 1 for n in objects))
    last = int(document[document.rindex(b"startxref") + 9 :].split()[0])
    out, offsets = bytearray(document), {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body) + between
    xref = len(out)
    rows = b"".join(
        b"%d 1\n%010d 00000 n \n" % (number, offset) for number, offset in sorted(offsets.items())
    )
    out += b"xref\n%btrailer\n<</Size %d/Root %d 0 R/Prev %d%b>>\nstartxref\n%d\n%%%%EOF\n" % (
        rows,
        size,
        root,
        last,
        info,
        xref,
    )
    return bytes(out)


class Parts:
    """Object numbers and dictionaries of a sealed file."""

    def __init__(self, document: bytes) -> None:
        with pikepdf.open(BytesIO(document)) as pdf:
            page = pdf.pages[0].obj
            self.root, self.page = pdf.Root.objgen[0], page.objgen[0]
            self.contents = page.Contents[1].objgen[0]
            self.widget = page.Annots[0].objgen[0]
            self.size = int(pdf.trailer.Size)
            self._root, self._page = pdf.Root.unparse(resolved=True), page.unparse(resolved=True)
            self._widget = page.Annots[0].unparse(resolved=True)
            self._fields = b"/Fields [ %d 0 R ]" % self.widget

    def catalogue(self, more: bytes) -> bytes:
        """The catalogue with further entries."""
        return self._root[:-2] + more + b">>"

    def with_field(self, number: int) -> bytes:
        """The catalogue with a further field in its form."""
        assert self._fields in self._root
        return self._root.replace(self._fields, b"/Fields [ %d 0 R %d 0 R ]" % (self.widget, number))

    def in_form(self, more: bytes) -> bytes:
        """The catalogue with another entry in its form."""
        return self._root.replace(self._fields, self._fields + more)

    def with_annotation(self, number: int) -> bytes:
        """The page with a further annotation."""
        old = b"/Annots [ %d 0 R ]" % self.widget
        assert old in self._page
        return self._page.replace(old, b"/Annots [ %d 0 R %d 0 R ]" % (self.widget, number))

    def hidden_widget(self) -> bytes:
        """The seal's field with its picture out of sight."""
        return self._widget.replace(b"/F 132", b"/F 2")


def _store(parts: Parts, number: int) -> bytes:
    return parts.catalogue(b"/DSS<</Type/DSS/Certs[%d 0 R]>>" % number)


ATTACKS: dict[str, Callable[[Parts], Mapping[int, bytes]]] = {
    "the page's content is replaced beside a store": lambda p: {
        p.root: _store(p, p.size),
        p.size: STREAM,
        p.contents: STREAM,
    },
    "the page's content is passed off as a certificate": lambda p: {
        p.root: _store(p, p.contents),
        p.contents: STREAM,
    },
    "the page's content is passed off as a cross-reference": lambda p: {
        p.contents: b"<</Type/XRef/Length 4>>\nstream\nevil\nendstream",
    },
    "what the page referred to and nobody had is put there": lambda p: {
        p.root: _store(p, DANGLING),
        DANGLING: STREAM,
    },
    "an annotation is added": lambda p: {
        p.page: p.with_annotation(p.size),
        p.size: b"<</Type/Annot/Subtype/FreeText/Rect[0 0 500 500]/Contents(evil)>>",
    },
    "a visible field is added": lambda p: {
        p.root: p.with_field(p.size),
        p.page: p.with_annotation(p.size),
        p.size: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(x)/Rect[0 0 500 500]/V %d 0 R>>" % (p.size + 1),
        p.size + 1: b"<</Type/DocTimeStamp/SubFilter/ETSI.RFC3161/Contents<00>/ByteRange[0 1 2 3]>>",
    },
    "an empty field is added": lambda p: {
        p.root: p.with_field(p.size),
        p.size: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(x)/Rect[0 0 0 0]>>",
    },
    "a text field is added": lambda p: {
        p.root: p.with_field(p.size),
        p.size: b"<</FT/Tx/T(x)/V(evil)/Rect[0 0 0 0]>>",
    },
    "the form is told to draw its fields anew": lambda p: {p.root: p.in_form(b"/NeedAppearances true")},
    "an action is added": lambda p: {p.root: p.catalogue(b"/OpenAction<</S/JavaScript/JS(evil)>>")},
    "something else stands in the store": lambda p: {
        p.root: p.catalogue(b"/DSS<</Certs[%d 0 R]/Evil 1>>" % p.size),
        p.size: STREAM,
    },
    "a dictionary stands in the store": lambda p: {
        p.root: _store(p, p.size),
        p.size: b"<</Evil 1>>",
    },
    "a stream of a type stands in the store": lambda p: {
        p.root: _store(p, p.size),
        p.size: b"<</Type/XObject/Length 4>>\nstream\nevil\nendstream",
    },
    "the seal's picture is hidden": lambda p: {p.widget: p.hidden_widget()},
    "an object that nobody names is added": lambda p: {p.size: b"(evil)"},
}


def judged(content: bytes, workshop: Workshop) -> SealReport:
    reports = judge_pdf(content, trust=Trust((workshop.root,)), at=LATER)
    (report,) = (report for report in reports if report.kind is SignatureKind.SEAL)
    return report


def test_a_store_written_by_other_hands_passes(sealed: bytes, workshop: Workshop) -> None:
    """The scaffold of the attacks below, with nothing wrong in it."""
    parts = Parts(sealed)
    content = updated(sealed, {parts.root: _store(parts, parts.size), parts.size: STREAM})
    check_only_long_term(content, len(sealed))
    assert judged(content, workshop).indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_no_validation_data_does_not_pass(name: str, sealed: bytes, workshop: Workshop) -> None:
    parts = Parts(sealed)
    attacked = updated(sealed, ATTACKS[name](parts))
    with pytest.raises((SignatureError, pikepdf.PdfError)):
        check_only_long_term(attacked, len(sealed))
    report = judged(attacked, workshop)
    assert report.indication is Indication.TOTAL_FAILED
    assert "coverage" in {c.name for c in report.checks if c.result is CheckResult.FAILED}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_time_stamp_over_it_does_not_make_it_good(name: str, sealed: bytes, workshop: Workshop) -> None:
    """Anybody may have a file stamped."""
    attacked = updated(sealed, ATTACKS[name](Parts(sealed)))
    try:
        stamped = append_time_stamp(attacked, tsa=workshop.tsa, at=LATER)
    except DocumentRefused:
        return  # we would not even stamp it
    assert all(
        report.indication is not Indication.TOTAL_PASSED
        for report in judge_pdf(stamped, trust=Trust((workshop.root,)), at=LATER)
        if report.kind is SignatureKind.SEAL
    )


def test_other_metadata_do_not_pass(sealed: bytes) -> None:
    parts = Parts(sealed)
    number = parts.size + 1
    objects = {parts.root: _store(parts, parts.size), parts.size: STREAM, number: b"<</Title(evil)>>"}
    with pytest.raises(SignatureError, match="metadata"):
        check_only_long_term(updated(sealed, objects, info=b"/Info %d 0 R" % number), len(sealed))


@pytest.mark.parametrize("between", [b"PK\x03\x04evil", b"% a comment\n", b"evil\n", b"<</Evil 1>>\n"])
def test_nothing_stands_between_objects(between: bytes, sealed: bytes) -> None:
    parts = Parts(sealed)
    objects = {parts.root: _store(parts, parts.size), parts.size: STREAM}
    with pytest.raises(SignatureError, match="no part of the PDF"):
        check_appended(updated(sealed, objects, between=between), len(sealed))


@pytest.mark.parametrize("behind", [b"PK\x05\x06", b"%%EOF\n", b"1 0 obj", b"xref", b"(", b"<<" * 100])
def test_nothing_stands_behind_the_last_update(behind: bytes, sealed: bytes) -> None:
    content = append_validation_data(sealed, ValidationData((b"\x30\x00",)))
    check_appended(content, len(sealed))
    with pytest.raises(SignatureError):
        check_appended(content + behind, len(sealed))


def test_a_time_stamp_over_another_file_proves_nothing_and_is_told(sealed: bytes, workshop: Workshop) -> None:
    report = judged(append_time_stamp(sealed, tsa=Elsewhere(workshop), at=LATER), workshop)
    assert {c.name for c in report.checks if c.result is CheckResult.FAILED} == {"archive"}
    assert report.indication is Indication.INDETERMINATE


class Elsewhere:
    """Stamps another file."""

    def __init__(self, workshop: Workshop) -> None:
        self._tsa = workshop.tsa
        self.token_room_bytes = workshop.tsa.token_room_bytes

    def stamp(self, digest_sha256: bytes, at: object) -> bytes:
        """A token over nothing that there is."""
        del digest_sha256, at
        return self._tsa.stamp(bytes(32), LATER)


def stamped_before(workshop: Workshop, tsa: TimeStampAuthority) -> bytes:
    """Signed by somebody, time-stamped as a document, and then sealed by us."""
    approved = attacks.signed(IncrementalPdfFileWriter(BytesIO(tiny_pdf())), workshop, "approval")
    return workshop.seal(append_time_stamp(approved, tsa=tsa, at=NOW)).content


def told(report: SealReport) -> dict[str, CheckResult]:
    return {check.name: check.result for check in report.checks}


def test_a_time_stamp_from_before_a_seal_speaks_of_older_signatures_alone(workshop: Workshop) -> None:
    sealed = stamped_before(workshop, workshop.tsa)
    approval, stamp, seal = judge_pdf(sealed, trust=workshop.trust, at=LATER)
    assert {each.indication for each in (approval, stamp, seal)} == {Indication.TOTAL_PASSED}
    assert (approval.proven_at, seal.proven_at) == (NOW, None)
    assert told(approval)["archive"] is CheckResult.PASSED
    assert told(seal)["archive"] is CheckResult.UNKNOWN
    raised = append_time_stamp(sealed, tsa=workshop.tsa, at=LATER)
    approval, _, seal, _ = judge_pdf(raised, trust=workshop.trust, at=LATER)
    assert (approval.proven_at, seal.proven_at) == (NOW, LATER)
    assert told(seal)["archive"] is CheckResult.PASSED


def test_a_time_stamp_from_before_a_seal_that_proves_nothing_takes_nothing_from_it(
    workshop: Workshop,
) -> None:
    sealed = stamped_before(workshop, Elsewhere(workshop))
    approval, _, seal = judge_pdf(sealed, trust=workshop.trust, at=LATER)
    assert seal.indication is Indication.TOTAL_PASSED
    assert told(approval)["archive"] is CheckResult.FAILED
    assert approval.proven_at is None


@pytest.mark.parametrize("signed_after", [False, True])
def test_a_time_stamp_cannot_be_added_as_one_from_before(
    signed_after: bool,  # noqa: FBT001 - pytest gives it by name
    workshop: Workshop,
) -> None:
    """A field whose time-stamp says that it ends before the seal does, put behind it."""
    sealed = workshop.seal(
        attacks.signed(IncrementalPdfFileWriter(BytesIO(tiny_pdf())), workshop, "approval")
    )
    with pikepdf.open(BytesIO(sealed.content)) as pdf:
        form, size = pdf.Root.AcroForm, int(pdf.trailer.Size)
        first = next(each for each in form.Fields if each.T == "approval").V
        byte_range, value = first.ByteRange.unparse(), bytes(first.Contents).hex().encode()
        catalogue, fields = pdf.Root.unparse(resolved=True), form.Fields.unparse()
        held, number = form.unparse(), pdf.Root.objgen[0]
        more = form.unparse(resolved=True).replace(fields, fields[:-1] + b"%d 0 R ]" % size)
    objects = {
        number: catalogue.replace(b"/AcroForm " + held, b"/AcroForm " + more),
        size: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(x)/F 132/Rect[0 0 0 0]/V %d 0 R>>" % (size + 1),
        size + 1: b"<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/ByteRange%b"
        b"/Contents<%b>>>" % (byte_range, value),
    }
    content = updated(sealed.content, objects)
    if signed_after:
        content = append_time_stamp(content, tsa=workshop.tsa, at=LATER)
    reports = judge_pdf(content, trust=workshop.trust, at=LATER)
    (seal,) = (report for report in reports if report.field_name == "certvault-seal")
    assert seal.indication is not Indication.TOTAL_PASSED
    assert told(seal)["revisions"] is CheckResult.FAILED


def test_a_changed_byte_in_the_store_is_told_by_the_time_stamp_over_it(
    sealed: bytes, workshop: Workshop
) -> None:
    data = ValidationData((workshop.root,))
    content = append_time_stamp(sealed, tsa=workshop.tsa, at=LATER, data=data)
    assert judged(content, workshop).indication is Indication.TOTAL_PASSED
    changed = bytearray(content)
    changed[content.index(b"/FlateDecode/Length", len(sealed)) + 40] ^= 1
    assert judged(bytes(changed), workshop).indication is not Indication.TOTAL_PASSED


@pytest.mark.parametrize("step", range(1, 60, 7))
def test_a_file_cut_short_does_not_pass(step: int, sealed: bytes, workshop: Workshop) -> None:
    content = append_time_stamp(sealed, tsa=workshop.tsa, at=LATER)
    cut = content[: len(sealed) + (len(content) - len(sealed)) * step // 60]
    reports = judge_pdf(cut, trust=Trust((workshop.root,)), at=LATER)
    assert all(report.indication is not Indication.TOTAL_PASSED for report in reports)
