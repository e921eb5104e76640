"""People who sign in: name and code in the row's envelope. Their sessions: kept as SHA-256."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.holders import holder_index
from storage.tables import people, web_sessions
from vault.model.actors import Person, Role
from vault.model.holders import HolderCode


@dataclass(frozen=True, slots=True)
class PersonWithPassword:
    """A person and the hash of their password, as `vault.signin` writes it."""

    person: Person
    password_hash: str = field(repr=False)


def insert_person(db: WriteConnection, keys: KeyRing, new: PersonWithPassword) -> bool:
    """Keeps a new person; False where the login is taken."""
    person = new.person
    data_key = keys.new_data_key(f"people.data_key:{person.person_id}")
    code = person.code
    content = {"name": person.name, "code": None if code is None else code.value}
    statement = (
        insert(people)
        .values(
            id=person.person_id,
            login=person.login,
            password_hash=new.password_hash,
            roles=sorted(person.roles),
            organisation=person.organisation,
            code_type=None if code is None else code.code_type,
            code_index=None if code is None else holder_index(keys, code),
            index_version=keys.index_version,
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, f"people.sealed:{person.person_id}"),
        )
        .on_conflict_do_nothing(index_elements=["login"])
        .returning(people.c.id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def find_by_login(db: ReadConnection, keys: KeyRing, login: str) -> PersonWithPassword | None:
    """The person with this login."""
    row = db.execute(select(people).where(people.c.login == login)).one_or_none()
    return None if row is None else PersonWithPassword(_person(keys, row), row.password_hash)


def has_people(db: ReadConnection) -> bool:
    """Whether anybody can sign in with a password of the vault's own."""
    return bool(db.execute(select(exists().select_from(people))).scalar_one())


def insert_session(
    db: WriteConnection, token_hash: bytes, person_id: UUID, started_at: datetime, expires_at: datetime
) -> None:
    """Opens a session, and forgets those of the same person that ended before."""
    db.execute(
        delete(web_sessions)
        .where(web_sessions.c.person_id == person_id)
        .where(web_sessions.c.expires_at <= started_at)
    )
    db.execute(
        insert(web_sessions).values(
            token_hash=token_hash, person_id=person_id, started_at=started_at, expires_at=expires_at
        )
    )


def find_by_session(db: ReadConnection, keys: KeyRing, token_hash: bytes, at: datetime) -> Person | None:
    """Whose session this is, where it has not ended."""
    query = (
        select(people)
        .join(web_sessions, web_sessions.c.person_id == people.c.id)
        .where(web_sessions.c.token_hash == token_hash, web_sessions.c.expires_at > at)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else _person(keys, row)


def delete_session(db: WriteConnection, token_hash: bytes) -> None:
    """Ends a session; one that is not there has ended already."""
    db.execute(delete(web_sessions).where(web_sessions.c.token_hash == token_hash))


def _person(keys: KeyRing, row: Row[tuple[object, ...]]) -> Person:
    data_key = keys.data_key(row.data_key, f"people.data_key:{row.id}")
    content = open_json(data_key, row.sealed, f"people.sealed:{row.id}")
    return Person(
        person_id=row.id,
        login=row.login,
        name=content["name"],
        roles=frozenset(Role(role) for role in row.roles),
        organisation=row.organisation,
        code=None if row.code_type is None else HolderCode.parse(row.code_type, content["code"]),
    )
