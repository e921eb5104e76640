"""People who sign in: subject, name and code in the row's envelope. Their sessions: kept as SHA-256."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.holders import holder_index
from storage.key_state import found_by
from storage.tables import people, sign_in_attempts, web_sessions
from vault.model.actors import Assurance, Introduced, Person, Role
from vault.model.holders import HolderCode
from vault.model.ids import uuid7


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that has not reached its absolute end."""

    person: Person
    started_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that was just ended: whose, and by which provider they came in."""

    person_id: UUID
    provider: str


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """A sign-in that a browser began: at which provider, and where it wants to go afterwards."""

    provider: str
    return_to: str


def keep_person(db: WriteConnection, keys: KeyRing, who: Introduced, at: datetime) -> UUID:
    """The person with this issuer and subject, made if new, as they are introduced now.

    They are looked for under every index key first, as holders are: a rotation may not have come to them.
    """
    subject = subject_text(who.issuer, who.subject)
    mine = (people.c.issuer == who.issuer, found_by(people.c.subject_index, keys, subject))
    found = select(people.c.id).where(*mine).with_for_update()
    person_id: UUID | None = db.execute(found).scalar_one_or_none()
    if person_id is None:
        fresh = uuid7(at)
        made = (
            insert(people)
            .values(id=fresh, issuer=who.issuer, created_at=at, **_columns(keys, fresh, who, at))
            .on_conflict_do_nothing(index_elements=["issuer", "subject_index"])
            .returning(people.c.id)
        )
        if db.execute(made).scalar_one_or_none() is not None:
            return fresh
        person_id = db.execute(found).scalar_one()
    db.execute(update(people).where(people.c.id == person_id).values(**_columns(keys, person_id, who, at)))
    return person_id


def share_a_code(db: ReadConnection, keys: KeyRing, person_id: UUID, others: Collection[UUID]) -> bool:
    """Whether one of the others last came in under the same code as this person.

    By the codes themselves: while index keys are renewed, two rows of one code have different indexes.
    """
    rows = db.execute(select(people).where(people.c.id.in_({person_id, *others})))
    codes = {person.person_id: person.code for person in (_person(keys, row) for row in rows)}
    mine = codes.pop(person_id, None)
    return mine is not None and mine in codes.values()


def subject_text(issuer: str, subject: str) -> tuple[str, str]:
    """Purpose and text of the index under which a person's subject at an issuer is found."""
    return f"subject:{issuer}", subject


def insert_session(
    db: WriteConnection,
    token_hash: bytes,
    person_id: UUID,
    provider: str,
    started_at: datetime,
    expires_at: datetime,
) -> None:
    """Opens a session."""
    db.execute(
        insert(web_sessions).values(
            token_hash=token_hash,
            person_id=person_id,
            provider=provider,
            started_at=started_at,
            seen_at=started_at,
            expires_at=expires_at,
        )
    )


def find_session(db: ReadConnection, keys: KeyRing, token_hash: bytes, at: datetime) -> OpenSession | None:
    """The session with this token, where it has not reached its absolute end: one read by primary key."""
    query = (
        select(people, web_sessions.c.started_at, web_sessions.c.seen_at, web_sessions.c.expires_at)
        .join(web_sessions, web_sessions.c.person_id == people.c.id)
        .where(web_sessions.c.token_hash == token_hash, web_sessions.c.expires_at > at)
    )
    row = db.execute(query).one_or_none()
    if row is None:
        return None
    return OpenSession(_person(keys, row), row.started_at, row.seen_at, row.expires_at)


def touch_session(db: WriteConnection, token_hash: bytes, at: datetime) -> None:
    """Notes that a session is in use; never back in time."""
    mine = (web_sessions.c.token_hash == token_hash, web_sessions.c.seen_at < at)
    db.execute(update(web_sessions).where(*mine).values(seen_at=at))


def delete_session(db: WriteConnection, token_hash: bytes) -> EndedSession | None:
    """Ends a session; None where there is none."""
    gone = delete(web_sessions).where(web_sessions.c.token_hash == token_hash)
    row = db.execute(gone.returning(web_sessions.c.person_id, web_sessions.c.provider)).one_or_none()
    return None if row is None else EndedSession(*row)


def insert_attempt(
    db: WriteConnection, attempt_hash: bytes, begun: BegunSignIn, expires_at: datetime
) -> None:
    """Keeps what a browser began."""
    db.execute(
        insert(sign_in_attempts).values(
            attempt_hash=attempt_hash,
            provider=begun.provider,
            return_to=begun.return_to,
            expires_at=expires_at,
        )
    )


def take_attempt(db: WriteConnection, attempt_hash: bytes, at: datetime) -> BegunSignIn | None:
    """What was begun, taken away so that nobody comes back with it twice; None where gone or too old."""
    gone = delete(sign_in_attempts).where(sign_in_attempts.c.attempt_hash == attempt_hash)
    row = db.execute(gone.returning(*sign_in_attempts.c)).one_or_none()
    if row is None or row.expires_at <= at:
        return None
    return BegunSignIn(row.provider, row.return_to)


def forget_ended(db: WriteConnection, at: datetime) -> int:
    """Deletes sessions that reached their end and attempts that nobody finished; how many there were."""
    gone = (delete(table).where(table.c.expires_at <= at) for table in (web_sessions, sign_in_attempts))
    return sum(db.execute(statement).rowcount for statement in gone)


def _columns(keys: KeyRing, person_id: UUID, who: Introduced, at: datetime) -> dict[str, object]:
    data_key = keys.new_data_key(f"people.data_key:{person_id}")
    code = who.code
    content = {"subject": who.subject, "name": who.name, "code": None if code is None else code.value}
    return {
        "subject_index": keys.index(*subject_text(who.issuer, who.subject)),
        "index_version": keys.index_version,
        "roles": sorted(who.roles),
        "organisation": who.organisation,
        "assurance": int(who.assurance),
        "code_type": None if code is None else code.code_type,
        "code_index": None if code is None else holder_index(keys, code),
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, content, f"people.sealed:{person_id}"),
        "signed_in_at": at,
    }


def _person(keys: KeyRing, row: Row[tuple[object, ...]]) -> Person:
    data_key = keys.data_key(row.data_key, f"people.data_key:{row.id}")
    content = open_json(data_key, row.sealed, f"people.sealed:{row.id}")
    return Person(
        person_id=row.id,
        issuer=row.issuer,
        name=content["name"],
        roles=frozenset(Role(role) for role in row.roles),
        organisation=row.organisation,
        code=None if row.code_type is None else HolderCode.parse(row.code_type, content["code"]),
        assurance=Assurance(row.assurance),
    )
