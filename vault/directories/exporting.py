"""The export of the directories, in the order in which it happens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.history import AuditRow, insert_audit
from vault.changes import changes_after
from vault.directories.folder import (
    SUMMARY,
    FileState,
    Order,
    Part,
    Progress,
    file_name,
    open_part,
    write_json,
)
from vault.directories.pages import Head, Page, changed_certificates, every_certificate, head_of_feed
from vault.directories.sheets import Format, line
from vault.log import moment
from vault.model.access import MACHINE
from vault.model.directory import DIRECTORY_NAMES, Directory
from vault.model.directory_fields import row_of
from vault.workshop import Workshop

# Between two savings: a killed export repeats some seconds of work at most.
CERTIFICATES_BETWEEN_SAVINGS = 10_000
# Enough to see what is wrong; fsck lists all of them.
DAMAGED_NAMED_MAX = 100


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A directory's file."""

    directory: Directory
    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export. `next_cursor`: what the next incremental one goes on after.

    `certificates`: so many were told of, one that stands in both directories counted once. `damaged`: the
    first identifiers of those that could not be read, `damaged_count` how many there are.
    """

    folder: Path
    after: str | None
    next_cursor: str
    certificates: int
    files: tuple[ExportedFile, ...]
    damaged: tuple[str, ...]
    damaged_count: int
    started_at: str


def export_directories(
    workshop: Workshop,
    target: Path,
    form: Format,
    *,
    after: str | None,
    actor: str,
    at: datetime,
    progress: Callable[[int], None],
) -> Exported:
    """Writes both directories into the new folder `target`: whole, or what changed after a cursor.

    1. check the cursor; nothing is written for a wrong one.
    2. open the folder in which it is written; where one was begun, this one goes on with it.
    3. begin: the head of the feed is what the export is complete up to, and where the next one begins.
    4. audit the beginning: an export that is broken off leaves rows behind, too.
    5. a page at a time, read and append; every so often, save how far it is.
    6. finish: digests and the summary.
    7. audit the end, with counts and cursor.
    8. give the folder its name. **From then on the export is there.**

    Memory does not grow with the vault. Killed anywhere, the same call goes on; failed between 7 and 8, it
    audits the end twice. `progress` hears how many certificates are done.

    Raises:
        InputError: the cursor has not the form of one.
        UnknownCursor: it is another vault's, or the vault was restored from an older backup.
        Conflict: there is such a folder already, or one with another order was begun.
        Unavailable: the database or the file system does not answer; the same call may go on later.
    """
    if after is not None:
        changes_after(workshop, after, 1, MACHINE)  # 1
    with open_part(target, form, after) as part:  # 2
        state = part.progress or _begun(workshop, part, form, after, at)  # 3
        who = {"export": state.order.started_at, "after": after, "next_cursor": state.order.through}
        begun = {**who, "certificates": state.certificates}
        _audit(workshop, actor, "directory-export-begun", {**begun, "everybody": True}, at)  # 4
        state = _write_pages(workshop, part, state, progress)  # 5
        exported = _exported(target, part, form, state)  # 6
        write_json(part.path / SUMMARY, summary_json(exported))
        counts = {f.directory.value: {"rows": f.rows, "sha256": f.sha256} for f in exported.files}
        ended = {**begun, "certificates": state.certificates, "damaged": state.damaged_count}
        _audit(workshop, actor, "directory-export", {**ended, "files": counts}, at)  # 7
        part.finish(target)  # 8
    return exported


def summary_json(exported: Exported) -> dict[str, Any]:
    """What `summary.json` says: no word of anybody."""
    return {
        "kind": "full" if exported.after is None else "incremental",
        "after": exported.after,
        "next_cursor": exported.next_cursor,
        "started_at": exported.started_at,
        "certificates": exported.certificates,
        "directories": [
            {
                "directory": file.directory.value,
                "name": DIRECTORY_NAMES[file.directory],
                "file": file.name,
                "rows": file.rows,
                "bytes": file.bytes,
                "sha256": file.sha256,
            }
            for file in exported.files
        ],
        "damaged_count": exported.damaged_count,
        "damaged": list(exported.damaged),
    }


def _begun(workshop: Workshop, part: Part, form: Format, after: str | None, at: datetime) -> Progress:
    head = head_of_feed(workshop)
    order = Order(form.value, after, head.cursor, head.position, moment(at))
    files = {directory.value: FileState(part.length(directory), 0) for directory in Directory}
    begun = Progress(order, after or "", files, 0, (), 0)
    part.save(begun)
    return begun


def _write_pages(
    workshop: Workshop, part: Part, state: Progress, progress: Callable[[int], None]
) -> Progress:
    saved = state.certificates
    for page in _pages(workshop, state):
        state = _with_page(part, state, page)
        progress(state.certificates)
        if state.certificates - saved >= CERTIFICATES_BETWEEN_SAVINGS:
            part.save(state)
            saved = state.certificates
    part.save(state)
    return state


def _pages(workshop: Workshop, state: Progress) -> Iterator[Page]:
    order = state.order
    if order.after is None:
        return every_certificate(workshop, state.place)
    return changed_certificates(workshop, state.place, Head(order.through_position, order.through))


def _with_page(part: Part, state: Progress, page: Page) -> Progress:
    form = Format(state.order.form)
    rows = dict.fromkeys(Directory, 0)
    lines = {directory: bytearray() for directory in Directory}
    for entry in page.entries:
        written = line(form, row_of(entry))
        for directory in entry.directories:
            lines[directory] += written
            rows[directory] += 1
    for directory in Directory:
        part.append(directory, bytes(lines[directory]))
    return replace(
        state,
        place=page.place,
        files={
            directory.value: FileState(
                part.length(directory), state.files[directory.value].rows + rows[directory]
            )
            for directory in Directory
        },
        certificates=state.certificates + len(page.entries),
        damaged=(*state.damaged, *page.damaged)[:DAMAGED_NAMED_MAX],
        damaged_count=state.damaged_count + len(page.damaged),
    )


def _exported(target: Path, part: Part, form: Format, state: Progress) -> Exported:
    return Exported(
        folder=target,
        after=state.order.after,
        next_cursor=state.order.through,
        certificates=state.certificates,
        files=tuple(
            ExportedFile(
                directory,
                file_name(directory, form),
                state.files[directory.value].rows,
                state.files[directory.value].bytes,
                part.digest(directory),
            )
            for directory in Directory
        ),
        damaged=state.damaged,
        damaged_count=state.damaged_count,
        started_at=state.order.started_at,
    )


def _audit(workshop: Workshop, actor: str, action: str, details: dict[str, Any], at: datetime) -> None:
    with workshop.database.writing() as db:
        insert_audit(db, [AuditRow(actor, action, None, None, details)], at)
