"""Imports over the contract: asked for by a client, done by the worker, and shown to whoever asked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.imports import find_run as run_row
from vault.errors import InputError, NotFound
from vault.importing.files import FilesKind, FilesPlace
from vault.importing.mapping import mapping_from_json
from vault.importing.reading import find_run, runs
from vault.importing.running import ImportOrder, begin
from vault.importing.sheets import Manifest
from vault.model.access import Action, Kind, Resource, authorize
from vault.model.actors import ClientGrant
from vault.model.imports import ImportMode, ImportRun
from vault.model.scope import VAULT, of_client
from vault.signin import client_by_id
from vault.uploads import JSON_LINES, keep_upload, uploads_of
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants imported, all of it uploaded before.

    `manifest`: SHA-256 of the register, `name` as people call it. `files`: SHA-256 of a zip; None: the
    manifest names files by their own digests. `mapping`: as its file has it.
    """

    manifest: str
    name: str
    mapping: Mapping[str, Any] = field(repr=False)
    files: str | None
    mode: ImportMode


def ask_import(workshop: Workshop, client: ClientGrant, asked: Asked, *, at: datetime) -> ImportRun:
    """Has the worker import it; the same once more is the same run, which goes on where it was.

    Raises:
        NotPermitted: the client may not deposit.
        InputError: a file was not uploaded, or the mapping cannot be used; at their pointers.
        Unavailable: an engine does not answer.
    """
    authorize(client, Action.DEPOSIT)
    try:
        mapping_from_json(asked.mapping)
    except InputError as error:
        raise error.under("/mapping") from error
    # Beside the other uploads, as cipher text: its constants may name somebody.
    written = json.dumps(asked.mapping, ensure_ascii=False, sort_keys=True).encode()
    mapping = hashlib.sha256(written).hexdigest()
    keep_upload(workshop, client, mapping, written, JSON_LINES)
    source = {
        "manifest": asked.manifest.lower(),
        "name": f"register{Manifest(asked.name, b'').ending}",
        "mapping": mapping,
        "files": None if asked.files is None else asked.files.lower(),
    }
    order = _order(workshop, client, source, asked.mode)
    if asked.files is not None:
        try:
            uploads_of(workshop, client.client_id).read(asked.files.lower())
        except NotFound as error:
            raise InputError.at("/files/sha256", error.detail) from error
    run_id = begin(workshop, order, at=at, source=source)
    return find_run(workshop, run_id, at=at)


def order_of_run(workshop: Workshop, run_id: UUID, *, at: datetime) -> ImportOrder | None:
    """What the worker has to do for a run; None where it is no run of the worker's.

    Raises:
        InputError: what it needs is no longer there.
        NotAuthenticated: its client is disabled by now.
        Unavailable: an engine does not answer.
    """
    with workshop.database.reading(VAULT) as db:
        row = run_row(db, run_id, at)
    if row is None or row.source is None:
        return None
    return _order(workshop, client_by_id(workshop, row.client_id), row.source, row.mode)


def shown_run(workshop: Workshop, client: ClientGrant, run_id: UUID, *, at: datetime) -> ImportRun:
    """A run that this client asked for.

    Raises:
        NotFound: it asked for none of this id.
        Unavailable: the database does not answer.
    """
    found = find_run(workshop, run_id, at=at, scope=of_client(client))
    authorize(client, Action.READ_RECEIPTS, Resource(Kind.CASE, by=found.client_id))
    return found


def shown_runs(workshop: Workshop, client: ClientGrant, *, at: datetime) -> tuple[ImportRun, ...]:
    """The newest runs that this client asked for.

    Raises:
        Unavailable: the database does not answer.
    """
    found = runs(workshop, at=at, scope=of_client(client))
    authorize(client, Action.READ_RECEIPTS, Resource(Kind.CASE, by=client.actor))
    return found


def _order(
    workshop: Workshop, client: ClientGrant, source: Mapping[str, Any], mode: ImportMode
) -> ImportOrder:
    uploads = uploads_of(workshop, client.client_id)
    try:
        mapping = mapping_from_json(json.loads(uploads.read(source["mapping"])))
        content = uploads.read(source["manifest"])
    except NotFound as error:
        raise InputError.at("/manifest/sha256", error.detail) from error
    if source["files"] is None:
        files = FilesPlace(FilesKind.UPLOADS, client.client_id)
    else:
        files = FilesPlace(FilesKind.UPLOADED_ZIP, f"{client.client_id}/{source['files']}")
    return ImportOrder(client, mode, Manifest(source["name"], content), mapping, files)
