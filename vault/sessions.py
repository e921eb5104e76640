"""People: introduced by a provider, known by issuer and subject, and here for as long as a session lasts.

A token is 256 random bits in a cookie and kept as SHA-256. The vault has no password of anybody.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from storage import people
from storage.delegations import accept_delegations
from storage.history import AuditRow, insert_audit
from storage.holders import about
from storage.people import BegunSignIn
from vault.errors import NotAuthenticated
from vault.model.actors import STAFF, Introduced, Person, Role
from vault.model.scope import NOBODY
from vault.workshop import Workshop

TOKEN_BYTES = 32
# From the button to the way back: somebody may have to find a phone and scan a code at the provider.
ATTEMPT_LIFETIME = timedelta(minutes=10)
# OWASP ASVS 5.0, 7.3: a session ends when it is idle, and after some hours whatever happens.
SESSION_LIFETIME = timedelta(hours=8)
IDLE_OF_HOLDERS = timedelta(minutes=30)
# Staff see other people's data, at counters where others pass.
IDLE_OF_STAFF = timedelta(minutes=15)
# A session in use is written down so often at most; it may end that much too early, never too late.
TOUCH_AFTER = timedelta(seconds=60)

_NO_SESSION = "Sign in first: there is no session, or it has ended."


def begin(workshop: Workshop, provider: str, return_to: str, *, at: datetime) -> str:
    """Notes that a browser goes to a provider; the secret of this attempt, for a cookie of that browser.

    Raises:
        Unavailable: the database does not answer.
    """
    secret = _new_token()
    with workshop.database.writing(NOBODY) as db:
        begun = BegunSignIn(provider, return_to)
        people.insert_attempt(db, _hash(secret), begun, at + ATTEMPT_LIFETIME)
    return secret


def come_back(workshop: Workshop, secret: str, provider: str, *, at: datetime) -> str:
    """Where the browser with this secret wants to go, back from this provider; it cannot come back twice.

    Raises:
        NotAuthenticated: nothing was begun, it was finished, it took longer than `ATTEMPT_LIFETIME`, or it
            was begun at another provider.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(NOBODY) as db:
        begun = people.take_attempt(db, _hash(secret), at)
    if begun is None:
        raise NotAuthenticated("This sign-in was finished already or took too long: begin it again.")
    if begun.provider != provider:
        raise NotAuthenticated("The answer came to another provider's address than was asked.")
    return begun.return_to


def enter(workshop: Workshop, who: Introduced, provider: str, *, before: str | None, at: datetime) -> str:
    """Opens a session for somebody whom a provider introduced; its token, always a new one.

    A holder accepts what was delegated to them meanwhile.

    `before`: the token that the browser had until now. That session ends, whoever it was.

    Raises:
        Unavailable: the database does not answer.
    """
    token, code = _new_token(), who.code if Role.HOLDER in who.roles else None
    scope = NOBODY if code is None else about(NOBODY, workshop.keys, code)
    with workshop.database.writing(scope) as db:
        person_id = people.keep_person(db, workshop.keys, who, at)
        if before is not None:
            people.delete_session(db, _hash(before))
        people.insert_session(db, _hash(token), person_id, provider, at, at + SESSION_LIFETIME)
        details = {"provider": provider, "assurance": int(who.assurance), "roles": sorted(who.roles)}
        insert_audit(db, [AuditRow(_actor(person_id), "sign-in", None, None, details)], at)
        if code is not None:
            accept_delegations(db, workshop.keys, code, _actor(person_id), at)
    return token


def signed_in(workshop: Workshop, token: str, *, at: datetime) -> Person:
    """Whose session this is, and that it is in use.

    Raises:
        NotAuthenticated: there is no such session, it was idle for too long, or it has ended.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(NOBODY) as db:
        found = people.find_session(db, workshop.keys, _hash(token), at)
    if found is None or at - found.seen_at >= idle_limit(found.person.roles):
        raise NotAuthenticated(_NO_SESSION)
    if at - found.seen_at >= TOUCH_AFTER:
        with workshop.database.writing(NOBODY) as db:
            people.touch_session(db, _hash(token), at)
    return found.person


def sign_out(workshop: Workshop, token: str, *, at: datetime) -> str | None:
    """Ends a session; the provider by which the person came in, None where there was no session.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(NOBODY) as db:
        ended = people.delete_session(db, _hash(token))
        if ended is None:
            return None
        insert_audit(db, [AuditRow(_actor(ended.person_id), "sign-out", None, None, {})], at)
    return ended.provider


def forget_ended(workshop: Workshop, *, at: datetime) -> int:
    """Deletes sessions and attempts that reached their end; how many.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(NOBODY) as db:
        return people.forget_ended(db, at)


def idle_limit(roles: frozenset[Role]) -> timedelta:
    """How long somebody with these roles may do nothing."""
    return IDLE_OF_STAFF if roles & STAFF else IDLE_OF_HOLDERS


def _actor(person_id: UUID) -> str:
    return f"person:{person_id}"


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
