"""Approval systems: who may come in, by which secret or keys, and bound to what.

A secret is 256 random bits, handed out once and kept as SHA-256: there is nothing to guess, so nothing slower
is needed. A client that signs assertions has public keys here instead, and no secret anywhere.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage import clients
from storage.db import WriteConnection
from storage.public_read import PublicReader
from vault.errors import Conflict, FieldProblem, InputError, NotAuthenticated, NotFound
from vault.model.actors import COUNTER_PREFIX, ClientFile, ClientGrant, PublicKey
from vault.model.footing import BY_FUNCTION, ByConsent, Standing, Statutory
from vault.model.scope import NOBODY
from vault.model.written import hides_something
from vault.workshop import Workshop

SECRET_BYTES = 32
# Ids stand in tokens, object metadata and logs: short, lower case, nothing to escape.
CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9.-]{1,62}[a-z0-9]")
# Time for an approval system to take up a new secret or key while the old one still works.
ROTATION_OVERLAP = timedelta(hours=24)
# One in use and one to come on each of a few machines; each costs a read at every token.
KEYS_MAX = 8
# A statute with its article, or a few; it stands in every audit event of the client.
LEGAL_BASIS_MAX_CHARS = 200

_REFUSED_CLIENT = "The client id or the secret is wrong, too old, or the client is disabled."
_REFUSED_ASSERTION = (
    "The assertion was shown before, or the client is disabled: sign a new one, with a new jti."
)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret at the one moment when it can be read."""

    client_id: str
    secret: str = field(repr=False)


def add_client(
    workshop: Workshop,
    client_id: str,
    name: str,
    authorities: frozenset[str],
    *,
    types: frozenset[str] | None = None,
    standing: Standing = BY_FUNCTION,
    at: datetime,
) -> NewSecret:
    """Lets an approval system in by a secret. It is bound to `authorities` (USCCs) and `types`, None for all.

    `standing`: on what footing it asks for what others hold.

    Raises:
        InputError: the id is not 3 to 64 lower-case letters, digits, dots and hyphens, there is no such type,
        the legal basis is no text of a line, or who asks by consent is to issue. Conflict: there is a client
        with this id. Unavailable: the database does not answer.
    """
    fresh = _new_token()
    grant = ClientGrant(client_id, name, authorities, types, standing=standing)
    _check(workshop, grant, at)
    with workshop.database.writing(NOBODY) as db:
        if not clients.insert_client(db, grant, at):
            raise _taken(client_id)
        clients.insert_secret(db, client_id, _hash(fresh), at)
    return NewSecret(client_id, fresh)


def add_signing_client(
    workshop: Workshop,
    client_id: str,
    name: str,
    authorities: frozenset[str],
    keys: Sequence[PublicKey],
    *,
    types: frozenset[str] | None = None,
    standing: Standing = BY_FUNCTION,
    at: datetime,
) -> None:
    """Lets an approval system in by assertions that it signs with one of these keys (RFC 7523).

    Raises:
        InputError: as `add_client`; or the keys are none, too many, or two have one id.
        Conflict: there is a client with this id.
        Unavailable: the database does not answer.
    """
    grant = ClientGrant(client_id, name, authorities, types, standing=standing)
    _check(workshop, grant, at)
    _check_keys(keys)
    with workshop.database.writing(NOBODY) as db:
        if not clients.insert_client(db, grant, at):
            raise _taken(client_id)
        clients.insert_keys(db, client_id, keys, at)


def rotate_secret(workshop: Workshop, client_id: str, *, at: datetime) -> NewSecret:
    """A new secret for a client. The one before it ends after `ROTATION_OVERLAP`, older ones at once.

    Raises:
        NotFound: there is no such client, or it is disabled.
        Conflict: the client signs assertions; a secret would be a weaker way in.
        Unavailable: the database does not answer.
    """
    fresh = _new_token()
    with workshop.database.writing(NOBODY) as db:
        _lock(db, client_id)
        if clients.live_keys(db, client_id, at):
            raise Conflict(f"{client_id} signs assertions: give it new keys, not a secret.")
        clients.end_older_secrets(db, client_id, at)
        clients.end_secrets(db, client_id, at + ROTATION_OVERLAP)
        clients.insert_secret(db, client_id, _hash(fresh), at)
    return NewSecret(client_id, fresh)


def rotate_keys(workshop: Workshop, client_id: str, keys: Sequence[PublicKey], *, at: datetime) -> None:
    """Gives a client these keys; keys and secrets that it had end after `ROTATION_OVERLAP`.

    A key that it had and that is among the new ones stays.

    Raises:
        NotFound: there is no such client, or it is disabled.
        InputError: the keys are none, too many, or two have one id.
        Unavailable: the database does not answer.
    """
    _check_keys(keys)
    with workshop.database.writing(NOBODY) as db:
        _lock(db, client_id)
        clients.end_secrets(db, client_id, at + ROTATION_OVERLAP)
        clients.end_keys(db, client_id, at + ROTATION_OVERLAP)
        clients.insert_keys(db, client_id, keys, at)


def disable_client(workshop: Workshop, client_id: str, *, at: datetime) -> None:
    """Shuts a client out at once: its tokens, too, are refused from the next request on.

    Raises:
        NotFound: there is no such client.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(NOBODY) as db:
        if not clients.disable_client(db, client_id, at):
            raise NotFound(f"There is no client {client_id}.")


def list_clients(workshop: Workshop, *, at: datetime) -> tuple[ClientFile, ...]:
    """Every client with what it is bound to and what it may show, disabled ones too.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.snapshot(NOBODY) as db:
        return clients.client_files(db, at)


def show_client(workshop: Workshop, client_id: str, *, at: datetime) -> ClientFile:
    """One client, disabled or not.

    Raises:
        NotFound: there is no such client.
        Unavailable: the database does not answer.
    """
    with workshop.database.snapshot(NOBODY) as db:
        found = clients.client_files(db, at, client_id)
    if not found:
        raise NotFound(f"There is no client {client_id}.")
    return found[0]


def client_by_secret(workshop: Workshop, client_id: str, secret: str, *, at: datetime) -> ClientGrant:
    """The client that shows its secret.

    Raises:
        NotAuthenticated: unknown, disabled, or the secret is not one of its own.
        Unavailable: the database does not answer.
    """
    if CLIENT_ID.fullmatch(client_id) is None:
        raise NotAuthenticated(_REFUSED_CLIENT)
    with workshop.database.reading(NOBODY) as db:
        client = clients.find_client_by_secret(db, client_id, _hash(secret), at)
    if client is None:
        raise NotAuthenticated(_REFUSED_CLIENT)
    return client


async def client_now(reader: PublicReader, client_id: str) -> ClientGrant:
    """As `client_by_id`, at every request: read on the event loop, and nothing of it is kept in memory.

    Raises:
        NotAuthenticated, Unavailable: as there.
    """
    return _still_in(await reader.client(client_id))


def keys_of(workshop: Workshop, client_id: str, *, at: datetime) -> tuple[PublicKey, ...]:
    """The keys that a client may sign with now; none for a client that is unknown, disabled or has a secret.

    Raises:
        Unavailable: the database does not answer.
    """
    if CLIENT_ID.fullmatch(client_id) is None:
        return ()
    with workshop.database.reading(NOBODY) as db:
        return clients.live_keys(db, client_id, at)


def client_by_assertion(workshop: Workshop, client_id: str, jti: str, *, expires_at: datetime) -> ClientGrant:
    """The client whose assertion was found good, once: its `jti` is used up with this.

    `expires_at`: from when on the assertion would be refused for its age.

    Raises:
        NotAuthenticated: the assertion was shown before, or the client was disabled meanwhile.
        Unavailable: the database does not answer; the assertion may be used up.
    """
    with workshop.database.writing(NOBODY) as db:
        client = clients.find_client(db, client_id)
        if client is None or not clients.use_assertion(db, client_id, _hash(jti), expires_at):
            raise NotAuthenticated(_REFUSED_ASSERTION)
    return client


def forget_assertions(workshop: Workshop, *, at: datetime) -> int:
    """Deletes the memory of assertions that are too old by now; how many.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(NOBODY) as db:
        return clients.forget_assertions(db, at)


def client_by_id(workshop: Workshop, client_id: str) -> ClientGrant:
    """The client that a checked token names.

    Raises:
        NotAuthenticated: the client is gone or disabled since the token was given out.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(NOBODY) as db:
        return _still_in(clients.find_client(db, client_id))


def _still_in(client: ClientGrant | None) -> ClientGrant:
    if client is None:
        raise NotAuthenticated("The client of this token is disabled.")
    return client


def _check(workshop: Workshop, grant: ClientGrant, at: datetime) -> None:
    if CLIENT_ID.fullmatch(grant.client_id) is None:
        raise InputError.at(
            "/client_id", "A client id is 3 to 64 lower-case letters, digits, dots and hyphens."
        )
    if grant.client_id.startswith(COUNTER_PREFIX):
        raise InputError.at("/client_id", f"Ids that begin with {COUNTER_PREFIX} are the desks' own.")
    unknown = [] if grant.types is None else sorted(grant.types - workshop.shelf.types(at).keys())
    if unknown:
        raise InputError.at("/types", f"There is no certificate type {unknown[0]} in force.")
    match grant.standing:
        case Statutory(legal_basis):
            if not 1 <= len(legal_basis.strip()) <= LEGAL_BASIS_MAX_CHARS or hides_something(legal_basis):
                detail = f"Expected a legal basis of 1 to {LEGAL_BASIS_MAX_CHARS} printable characters."
                raise InputError.at("/legal_basis", detail)
        case ByConsent():
            if grant.authorities or grant.types is not None:
                detail = "Who asks by consent has no authority to issue for: take authorities and types out."
                raise InputError.at("/authorities", detail)


def _check_keys(keys: Sequence[PublicKey]) -> None:
    if not 1 <= len(keys) <= KEYS_MAX:
        raise InputError.at("/keys", f"Expected 1 to {KEYS_MAX} keys, got {len(keys)}.")
    if len({key.kid for key in keys}) != len(keys):
        raise InputError.at("/keys", "Two keys have the same key id (kid).")


def _lock(db: WriteConnection, client_id: str) -> None:
    if clients.lock_client(db, client_id) is None:
        raise NotFound(f"There is no enabled client {client_id}.")


def _taken(client_id: str) -> Conflict:
    return Conflict(
        f"There is a client {client_id} already.", FieldProblem("/client_id", "This id is taken.")
    )


def _new_token() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
