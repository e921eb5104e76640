"""The end of an incremental update: cross-reference and trailer (ISO 32000-1, clauses 7.5.4 to 7.5.8)."""

from secrets import token_hex
from typing import Protocol

OFFSET_DIGITS = 10  # a cross-reference table has ten (clause 7.5.4)


class Tail(Protocol):
    """What an update has to know of the revision that it is appended to.

    `trailer`: the entries to carry over; `next_number`: the first free object number.
    """

    @property
    def trailer(self) -> bytes:
        """/Root and /Info, as PDF text."""

    @property
    def first_id(self) -> bytes | None:
        """The file identifier's unchanging half, in hexadecimal."""

    @property
    def next_number(self) -> int:
        """The first free object number."""

    @property
    def last_xref(self) -> int:
        """Where the newest cross-reference stands."""

    @property
    def xref_is_stream(self) -> bool:
        """Whether that is a stream."""


def stream_object(entries: bytes, content: bytes) -> bytes:
    """A stream with these entries, as it stands between `obj` and `endobj`."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(content), content)


def cross_reference(tail: Tail, offsets: dict[tuple[int, int], int], xref: int, xref_offset: int) -> bytes:
    """The objects at these offsets as a table or a stream, as the file's newest one is (7.5.4 and 7.5.8).

    `xref` and `xref_offset`: the number and place of the stream itself, where it is one.
    """
    shared = b"%b/Prev %d" % (tail.trailer, tail.last_xref)
    if tail.first_id is not None:
        # the second half changes with every update (clause 14.4)
        shared += b"/ID[<%b><%b>]" % (tail.first_id, token_hex(16).encode("ascii"))
    if tail.xref_is_stream:
        offsets = {**offsets, (xref, 0): xref_offset}
    runs = _runs(sorted(offsets))
    if not tail.xref_is_stream:
        table = b"".join(
            b"%d %d\n" % (run[0][0], len(run))
            + b"".join(b"%010d %05d n \n" % (offsets[reference], reference[1]) for reference in run)
            for run in runs
        )
        return b"xref\n%btrailer\n<<%b/Size %d>>\n" % (table, shared, _size(tail, offsets))
    index = b" ".join(b"%d %d" % (run[0][0], len(run)) for run in runs)
    rows = b"".join(
        b"\x01" + offsets[reference].to_bytes(4, "big") + reference[1].to_bytes(2, "big")
        for run in runs
        for reference in run
    )
    entries = b"/Type/XRef/W[1 4 2]/Index[%b]/Size %d%b" % (index, _size(tail, offsets), shared)
    return b"%d 0 obj\n%b\nendobj\n" % (xref, stream_object(entries, rows))


def _size(tail: Tail, offsets: dict[tuple[int, int], int]) -> int:
    return max(tail.next_number, *(number + 1 for number, _ in offsets))


def _runs(references: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Consecutive object numbers together: one subsection each."""
    runs: list[list[tuple[int, int]]] = []
    for reference in references:
        if runs and runs[-1][-1][0] + 1 == reference[0]:
            runs[-1].append(reference)
        else:
            runs.append([reference])
    return runs
