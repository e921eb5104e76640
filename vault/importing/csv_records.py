"""Records of a CSV, one by one: a line that is no CSV is told, and takes no other line with it."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from vault.errors import InputError

# Characters of one line of a register; some thousand columns.
LINE_MAX_CHARS = 4 * 1024 * 1024
# Lines that are no CSV before nobody believes that the file is one: each may be read far beyond its end.
BAD_LINES_MAX = 1_000


def csv_records(file: TextIO, delimiter: str) -> Iterator[list[str] | str]:
    """The cells of each record; for one that is no CSV, a sentence that says why.

    A quote that is never closed takes in lines up to the longest cell: all but its own are read anew.

    Raises:
        InputError: too many of them are none, or a line is too long.
    """
    again: deque[str] = deque()
    taken: list[str] = []
    bad = 0

    def lines() -> Iterator[str]:
        while True:
            line = again.popleft() if again else file.readline(LINE_MAX_CHARS + 1)
            if not line:
                return
            if len(line) > LINE_MAX_CHARS:
                raise InputError(f"A line of the manifest is over {LINE_MAX_CHARS} characters.")
            taken.append(line)
            yield line

    while True:
        taken.clear()
        reader = csv.reader(lines(), delimiter=delimiter, strict=True)
        try:
            record = next(reader, None)
        except csv.Error as error:
            bad += 1
            if bad > BAD_LINES_MAX:
                raise InputError(f"More than {BAD_LINES_MAX} lines of the manifest are no CSV.") from error
            again.extendleft(reversed(taken[1:]))
            yield f"The line is no CSV: {error}."
            continue
        if record is None:
            return
        yield record
