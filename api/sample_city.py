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
from functools import partial
from pathlib import Path
from typing import Any

from signing.typeset import SEAL_PLACES
from storage.embedded.folder import write_private
from storage.seals import NATIONAL, NATIONAL_CLOSING, platform_seal_in_use, seals_in_use
from vault.applying import apply_catalogue
from vault.catalogue import City, shipped_catalogue
from vault.custody import development_custodian, grant_what_is_missing
from vault.errors import Conflict, NotAuthenticated
from vault.founding import (
    SecretsFolder,
    make_development_closing_key,
    make_development_national_seals,
    make_development_platform_seal,
    make_development_seals,
)
from vault.model.actors import Assurance, Introduced, Person, Role
from vault.model.holders import HolderCode
from vault.model.scope import VAULT
from vault.signin import NewSecret, add_client, client_by_secret, rotate_secret
from vault.workshop import Workshop

DEMO_FILE = "demo.json"
CLIENT_ID = "yangli-approvals"
CLIENT_NAME = "样例市一体化政务服务平台"
# 50 bits of base32 in two groups: beyond guessing over HTTP, and short enough to type.
PASSWORD_CHARS = 10


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who can sign in at the local provider. Staff have no code but an organisation (a USCC)."""

    role: Role
    login: str
    name: str = field(repr=False)
    code: HolderCode | None = field(repr=False)
    password: str = field(default="", repr=False)
    organisation: str | None = None


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
    """What was set up, for whoever uses it. `national_trust`: PEM, what its national seals lead to."""

    client: NewSecret
    people: tuple[DemoPerson, ...]
    national_trust: Path


def cast(secrets: SecretsFolder) -> tuple[DemoPerson, ...]:
    """A clerk, a holder, an operator, an auditor and two seal custodians, with their passwords here."""
    key = secrets.passphrase.read_bytes()
    authority = shipped_catalogue(SEAL_PLACES).city.authorities[0].code
    everybody = []
    for person in _CAST:
        digest = hmac.digest(key, f"demo password of {person.login}".encode(), hashlib.sha256)
        letters = base64.b32encode(digest).decode().lower()[:PASSWORD_CHARS]
        password = f"{letters[: PASSWORD_CHARS // 2]}-{letters[PASSWORD_CHARS // 2 :]}"
        organisation = None if person.code is not None else authority
        everybody.append(replace(person, password=password, organisation=organisation))
    return tuple(everybody)


def set_up_city(
    workshop: Workshop,
    secrets: SecretsFolder,
    data: Path,
    people: tuple[DemoPerson, ...],
    *,
    issuer: str,
    tell: Callable[[str], None],
    at: datetime,
) -> SampleCity:
    """Brings a vault to where the sample city works with it; what is there already stays.

    1. The shipped catalogue; 2. a seal and a national seal for every authority that has none in use, and the
    platform's; 3. one approval system that acts for every authority; 4. grants of whatever that system may
    deposit, by two seal custodians of each authority. `people` (of `cast`) are the identity provider's,
    `issuer` is its own id.

    Raises:
        Conflict: the catalogue in force has been changed by hand.
        Unavailable: the database does not answer.
    """
    catalogue = shipped_catalogue(SEAL_PLACES)
    applied = apply_catalogue(workshop.database, catalogue.in_force, at=at)  # 1
    tell(
        f"目录 Catalogue: {len(catalogue.types)} types, {len(applied.types.added)} new;"
        f" {len(catalogue.items)} service items, {len(applied.items.added)} new;"
        f" {len(catalogue.materials)} materials, {len(applied.materials.added)} new."
    )
    made = _make_missing_seals(workshop, secrets, catalogue.city, at)  # 2
    tell(f"印章 Seals: {len(catalogue.city.authorities)} authorities and the platform, {made} new seals.")
    client = _approval_system(workshop, catalogue.city, data, at)  # 3
    custodians = partial(_custodians, workshop, people, issuer, at)
    granted = grant_what_is_missing(workshop, CLIENT_ID, custodians, at=at)  # 4
    tell(f"用印授权 Seal-use grants: {granted} new, made by one custodian and approved by another.")
    return SampleCity(client, people, secrets.national_trust)


def write_demo_file(
    data: Path,
    city: SampleCity,
    *,
    base_url: str,
    trust: Path,
    national_trust: Path | None,
    new_certificates: Sequence[Mapping[str, Any]],
) -> Path:
    """Writes `demo.json`, readable by its owner only; certificates of earlier runs stay in it.

    `trust`, `national_trust`: the files of the roots that PDFs and national seals lead to.
    """
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
        "trust": {
            "pdf_root": str(trust),
            "national_root": None if national_trust is None else str(national_trust),
        },
    }
    write_private(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    return path


def earlier_base_url(data: Path) -> str | None:
    """Where this folder's vault answered when it last ran."""
    found = _earlier(data / DEMO_FILE).get("base_url")
    return found if isinstance(found, str) else None


def _make_missing_seals(workshop: Workshop, secrets: SecretsFolder, city: City, at: datetime) -> int:
    codes = frozenset(authority.code for authority in city.authorities)
    with workshop.database.reading(VAULT) as db:
        sealed = seals_in_use(db, codes, at)
        national = seals_in_use(db, codes, at, NATIONAL)
        platform = platform_seal_in_use(db, at)
        closing = platform_seal_in_use(db, at, NATIONAL_CLOSING)
    if platform is None:
        make_development_platform_seal(workshop.database, secrets, city.operator, at=at)
    if closing is None:
        make_development_closing_key(workshop.database, secrets, city.operator, at=at)
    missing = [authority for authority in city.authorities if authority.code not in sealed]
    made = make_development_seals(workshop.database, secrets, missing, at=at)
    missing = [authority for authority in city.authorities if authority.code not in national]
    made_national = make_development_national_seals(workshop.database, secrets, missing, at=at)
    return len(made) + len(made_national) + (platform is None) + (closing is None)


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


def _custodians(
    workshop: Workshop, people: tuple[DemoPerson, ...], issuer: str, at: datetime, authority: str
) -> tuple[Person, Person]:
    """The two of the cast, as they will be known when they sign in: the login is the provider's `sub`.

    They keep the seals of one authority; for the others they have colleagues, who have no account.
    """
    makes, approves = (
        development_custodian(
            workshop,
            Introduced(
                issuer=issuer,
                subject=person.login if person.organisation == authority else f"{person.login}@{authority}",
                name=person.name,
                roles=frozenset({person.role}),
                organisation=authority,
                code=None,
                assurance=Assurance.HIGH,
            ),
            at=at,
        )
        for person in people
        if person.role is Role.SEAL_CUSTODIAN
    )
    return makes, approves


def _earlier(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
