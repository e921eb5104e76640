"""Who is calling: approval systems by secret, people by password (development only) and session.

A secret or session token is 256 random bits, handed out once and kept as SHA-256: there is nothing to
guess, so nothing slower is needed. A password can be guessed and is kept as scrypt (RFC 7914).
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage import clients, people
from vault.errors import Conflict, FieldProblem, InputError, NotAuthenticated, NotFound
from vault.model.actors import ClientGrant, Person, Role
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.workshop import Workshop

SECRET_BYTES = 32
# Ids stand in tokens, object metadata and logs: short, lower case, nothing to escape.
CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9.-]{1,62}[a-z0-9]")
LOGIN = re.compile(r"[a-z0-9][a-z0-9.@_-]{1,62}")
# Time for an approval system to take up a new secret while the old one still works.
ROTATION_OVERLAP = timedelta(hours=24)
# RFC 7914 with what OWASP gives as lower bound for 32 MiB a try: about 0.2 s.
SCRYPT_N_LOG2 = 15
SCRYPT_R = 8
SCRYPT_P = 3
SCRYPT_MEMORY_MAX_BYTES = 64 * 1024 * 1024
PASSWORD_MAX_CHARS = 200
SALT_BYTES = 16

_REFUSED_CLIENT = "The client id or the secret is wrong, too old, or the client is disabled."
_REFUSED_PERSON = "The login or the password is wrong."


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret at the one moment when it can be read."""

    client_id: str
    secret: str = field(repr=False)


def add_client(
    workshop: Workshop, client_id: str, name: str, authorities: frozenset[str], *, at: datetime
) -> NewSecret:
    """Lets an approval system in. `authorities`: USCCs of the bodies for which it deposits.

    Raises:
        InputError: the id is not 3 to 64 lower-case letters, digits, dots and hyphens.
        Conflict: there is a client with this id.
        Unavailable: the database does not answer.
    """
    if CLIENT_ID.fullmatch(client_id) is None:
        raise InputError.at(
            "/client_id", "A client id is 3 to 64 lower-case letters, digits, dots and hyphens."
        )
    fresh = _new_token()
    with workshop.database.writing() as db:
        if not clients.insert_client(db, ClientGrant(client_id, name, authorities), at):
            raise Conflict(
                f"There is a client {client_id} already.", FieldProblem("/client_id", "This id is taken.")
            )
        clients.insert_secret(db, client_id, _hash(fresh), at)
    return NewSecret(client_id, fresh)


def rotate_secret(workshop: Workshop, client_id: str, *, at: datetime) -> NewSecret:
    """A new secret for a client; the old ones end after `ROTATION_OVERLAP`.

    Raises:
        NotFound: there is no such client, or it is disabled.
        Unavailable: the database does not answer.
    """
    fresh = _new_token()
    with workshop.database.writing() as db:
        if clients.find_client(db, client_id) is None:
            raise NotFound(f"There is no enabled client {client_id}.")
        clients.end_secrets(db, client_id, at + ROTATION_OVERLAP)
        clients.insert_secret(db, client_id, _hash(fresh), at)
    return NewSecret(client_id, fresh)


def disable_client(workshop: Workshop, client_id: str, *, at: datetime) -> None:
    """Shuts a client out at once: its tokens, too, are refused from the next request on.

    Raises:
        NotFound: there is no such client.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        if not clients.disable_client(db, client_id, at):
            raise NotFound(f"There is no client {client_id}.")


def client_by_secret(workshop: Workshop, client_id: str, secret: str, *, at: datetime) -> ClientGrant:
    """The client that shows its secret.

    Raises:
        NotAuthenticated: unknown, disabled, or the secret is not one of its own.
        Unavailable: the database does not answer.
    """
    if CLIENT_ID.fullmatch(client_id) is None:
        raise NotAuthenticated(_REFUSED_CLIENT)
    with workshop.database.reading() as db:
        client = clients.find_client_by_secret(db, client_id, _hash(secret), at)
    if client is None:
        raise NotAuthenticated(_REFUSED_CLIENT)
    return client


def client_by_id(workshop: Workshop, client_id: str) -> ClientGrant:
    """The client that a checked token names.

    Raises:
        NotAuthenticated: the client is gone or disabled since the token was given out.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading() as db:
        client = clients.find_client(db, client_id)
    if client is None:
        raise NotAuthenticated("The client of this token is disabled.")
    return client


def add_person(
    workshop: Workshop,
    *,
    login: str,
    password: str,
    name: str,
    roles: frozenset[Role],
    organisation: str | None,
    code: HolderCode | None,
    at: datetime,
) -> Person:
    """Somebody who may sign in during development.

    Raises:
        InputError: the login is no login, or the password is empty or too long.
        Conflict: the login is taken.
        Unavailable: the database does not answer.
    """
    if LOGIN.fullmatch(login) is None:
        raise InputError.at("/login", "A login is 2 to 63 lower-case letters, digits and . @ _ -.")
    if not 0 < len(password) <= PASSWORD_MAX_CHARS:
        raise InputError.at("/password", f"A password has 1 to {PASSWORD_MAX_CHARS} characters.")
    person = Person(uuid7(at), login, name, roles, organisation, code)
    with workshop.database.writing() as db:
        if not people.insert_person(
            db, workshop.keys, people.PersonWithPassword(person, hash_password(password))
        ):
            raise Conflict("This login is taken.", FieldProblem("/login", "This login is taken."))
    return person


def has_development_people(workshop: Workshop) -> bool:
    """Whether anybody could sign in with a password: the vault refuses to serve so in production.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading() as db:
        return people.has_people(db)


def sign_in(workshop: Workshop, login: str, password: str, *, at: datetime, lifetime: timedelta) -> str:
    """A new session's token, for the cookie.

    Raises:
        NotAuthenticated: wrong login or password; both take the same time.
        Unavailable: the database does not answer.
    """
    person = person_by_password(workshop, login, password)
    token = _new_token()
    with workshop.database.writing() as db:
        people.insert_session(db, _hash(token), person.person_id, at, at + lifetime)
    return token


def person_by_password(workshop: Workshop, login: str, password: str) -> Person:
    """Who signs in by password: in a browser during development, or at a terminal.

    Raises:
        NotAuthenticated: wrong login or password; both take the same time.
        Unavailable: the database does not answer.
    """
    found = None
    if LOGIN.fullmatch(login) is not None:  # anything else PostgreSQL may not even take as a text
        with workshop.database.reading() as db:
            found = people.find_by_login(db, workshop.keys, login)
    check_password(password, found.password_hash if found is not None else _NOBODY)
    if found is None:
        raise NotAuthenticated(_REFUSED_PERSON)
    return found.person


def signed_in(workshop: Workshop, token: str, *, at: datetime) -> Person:
    """Whose session this is.

    Raises:
        NotAuthenticated: there is no such session, or it has ended.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading() as db:
        person = people.find_by_session(db, workshop.keys, _hash(token), at)
    if person is None:
        raise NotAuthenticated("Sign in first: there is no session, or it has ended.")
    return person


def sign_out(workshop: Workshop, token: str) -> None:
    """Ends a session.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        people.delete_session(db, _hash(token))


def hash_password(password: str) -> str:
    """`scrypt$ln$r$p$salt$hash`, salt and hash in base64."""
    salt = secrets.token_bytes(SALT_BYTES)
    derived = _scrypt(password, salt, SCRYPT_N_LOG2, SCRYPT_R, SCRYPT_P)
    parts = (base64.b64encode(part).decode() for part in (salt, derived))
    return "$".join(["scrypt", str(SCRYPT_N_LOG2), str(SCRYPT_R), str(SCRYPT_P), *parts])


def check_password(password: str, password_hash: str) -> None:
    """Returns where this is the password that was hashed.

    Raises:
        NotAuthenticated: it is another one.
    """
    _, ln, r, p, salt, expected = password_hash.split("$")
    derived = _scrypt(password[:PASSWORD_MAX_CHARS], base64.b64decode(salt), int(ln), int(r), int(p))
    if len(password) > PASSWORD_MAX_CHARS or not hmac.compare_digest(derived, base64.b64decode(expected)):
        raise NotAuthenticated(_REFUSED_PERSON)


def _scrypt(password: str, salt: bytes, ln: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=1 << ln,
        r=r,
        p=p,
        maxmem=SCRYPT_MEMORY_MAX_BYTES,
        dklen=32,
    )


# What an unknown login is checked against, so that it takes as long as a known one; no password matches it.
_NOBODY = f"scrypt${SCRYPT_N_LOG2}${SCRYPT_R}${SCRYPT_P}$AAAAAAAAAAAAAAAAAAAAAA==$"


def _new_token() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
