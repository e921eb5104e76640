"""The sample city's vault: its catalogue, seals, approval system and people, and `demo.json` that names them.

Everybody here is invented. Passwords follow from a secret of the vault, so that they are the same on every
start and stand nowhere but in `demo.json`.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from signing.typeset import SEAL_PLACES
from storage.embedded.folder import write_private
from storage.people import find_by_login
from storage.seals import seals_in_use
from vault.applying import apply_catalogue
from vault.catalogue import City, shipped_catalogue
from vault.custody import grant_what_is_missing
from vault.errors import Conflict, IntegrityError, NotAuthenticated
from vault.founding import SecretsFolder, make_development_seals
from vault.model.actors import Person, Role
from vault.model.holders import HolderCode
from vault.signin import NewSecret, add_client, add_person, client_by_secret, rotate_secret
from vault.workshop import Workshop

DEMO_FILE = "demo.json"
CLIENT_ID = "yangli-approvals"
CLIENT_NAME = "样例市一体化政务服务平台"
# 50 bits of base32 in two groups: beyond guessing over HTTP, and short enough to type.
PASSWORD_CHARS = 10


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who can sign in. Staff have no code."""

    role: Role
    login: str
    name: str = field(repr=False)
    code: HolderCode | None = field(repr=False)
    password: str = field(default="", repr=False)


# The holder is the one of the catalogue's examples of marriage and real estate.
_CAST = (
    DemoPerson(Role.CLERK, "clerk", "文样窗", None),
    DemoPerson(Role.HOLDER, "holder", "张𬱖", HolderCode("111", "110101190001010014")),
    DemoPerson(Role.OPERATOR, "operator", "管样维", None),
    DemoPerson(Role.AUDITOR, "auditor", "审样计", None),
    DemoPerson(Role.SEAL_CUSTODIAN, "custodian-1", "印样甲", None),
    DemoPerson(Role.SEAL_CUSTODIAN, "custodian-2", "印样乙", None),
)


@dataclass(frozen=True, slots=True)
class SampleCity:
    """What was set up, for whoever uses it."""

    types: int
    seals: int
    client: NewSecret
    people: tuple[DemoPerson, ...]


def set_up_city(
    workshop: Workshop, secrets: SecretsFolder, data: Path, *, tell: Callable[[str], None], at: datetime
) -> SampleCity:
    """Brings a vault to where the sample city works with it; what is there already stays.

    1. The shipped catalogue; 2. a seal for every authority that has none in use; 3. one approval system that
    acts for every authority; 4. a clerk, a holder, an operator, an auditor and two seal custodians; 5. a
    grant by those two for whatever that system may deposit.

    Raises:
        Conflict: the catalogue in force has been changed by hand.
        Unavailable: the database does not answer.
    """
    catalogue = shipped_catalogue(SEAL_PLACES)
    applied = apply_catalogue(
        workshop.database, catalogue.types.values(), catalogue.items.values(), at=at
    )  # 1
    tell(
        f"目录 Catalogue: {len(catalogue.types)} types, {len(applied.types.added)} new;"
        f" {len(catalogue.items)} service items, {len(applied.items.added)} new."
    )
    made = _make_missing_seals(workshop, secrets, catalogue.city, at)  # 2
    tell(f"印章 Seals: {len(catalogue.city.authorities)} authorities, {made} new seals.")
    client = _approval_system(workshop, catalogue.city, data, at)  # 3
    people = _people(workshop, secrets, catalogue.city, at)  # 4
    granted = grant_what_is_missing(workshop, CLIENT_ID, *_custodians(workshop), at=at)  # 5
    tell(f"用印授权 Seal-use grants: {granted} new, made by one custodian and approved by another.")
    return SampleCity(len(catalogue.types), made, client, people)


def write_demo_file(
    data: Path,
    city: SampleCity,
    *,
    base_url: str,
    trust: Path,
    new_certificates: Sequence[Mapping[str, Any]],
) -> Path:
    """Writes `demo.json`, readable by its owner only; certificates of earlier runs stay in it."""
    path = data / DEMO_FILE
    document = {
        "base_url": base_url,
        "client": {"id": city.client.client_id, "secret": city.client.secret},
        "people": [
            {
                "role": person.role.value,
                "name": person.name,
                "login": person.login,
                "password": person.password,
                "code_type": None if person.code is None else person.code.code_type,
                "code": None if person.code is None else person.code.value,
            }
            for person in city.people
        ],
        "certificates": [*_earlier(path).get("certificates", ()), *map(dict, new_certificates)],
        "trust": {"pdf_root": str(trust), "national_root": None},
    }
    write_private(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    return path


def earlier_base_url(data: Path) -> str | None:
    """Where this folder's vault answered when it last ran."""
    found = _earlier(data / DEMO_FILE).get("base_url")
    return found if isinstance(found, str) else None


def _make_missing_seals(workshop: Workshop, secrets: SecretsFolder, city: City, at: datetime) -> int:
    codes = frozenset(authority.code for authority in city.authorities)
    with workshop.database.reading() as db:
        sealed = seals_in_use(db, codes, at)
    missing = [authority for authority in city.authorities if authority.code not in sealed]
    return len(make_development_seals(workshop.database, secrets, missing, at=at))


def _approval_system(workshop: Workshop, city: City, data: Path, at: datetime) -> NewSecret:
    """The client with a secret that works: the one in `demo.json` if it does, else a new one."""
    authorities = frozenset(authority.code for authority in city.authorities)
    try:
        return add_client(workshop, CLIENT_ID, CLIENT_NAME, authorities, at=at)
    except Conflict:
        pass
    known = _earlier(data / DEMO_FILE).get("client", {}).get("secret", "")
    try:
        client_by_secret(workshop, CLIENT_ID, known, at=at)
    except NotAuthenticated:
        return rotate_secret(workshop, CLIENT_ID, at=at)
    return NewSecret(CLIENT_ID, known)


def _people(workshop: Workshop, secrets: SecretsFolder, city: City, at: datetime) -> tuple[DemoPerson, ...]:
    key = secrets.passphrase.read_bytes()
    everybody = []
    for person in _CAST:
        digest = hmac.digest(key, f"demo password of {person.login}".encode(), hashlib.sha256)
        letters = base64.b32encode(digest).decode().lower()[:PASSWORD_CHARS]
        password = f"{letters[: PASSWORD_CHARS // 2]}-{letters[PASSWORD_CHARS // 2 :]}"
        everybody.append(replace(person, password=password))
        with workshop.database.reading() as db:
            if find_by_login(db, workshop.keys, person.login) is not None:
                continue  # from an earlier start, with the same password
        add_person(
            workshop,
            login=person.login,
            password=password,
            name=person.name,
            roles=frozenset({person.role}),
            organisation=None if person.code is not None else city.authorities[0].name,
            code=person.code,
            at=at,
        )
    return tuple(everybody)


def _custodians(workshop: Workshop) -> tuple[Person, Person]:
    logins = [person.login for person in _CAST if person.role is Role.SEAL_CUSTODIAN]
    with workshop.database.reading() as db:
        makes, approves = (find_by_login(db, workshop.keys, login) for login in logins)
    if makes is None or approves is None:
        raise IntegrityError("The two seal custodians of the sample city are not in the database.")
    return makes.person, approves.person


def _earlier(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
