"""Holders, organisations and what the ones grant the others, for the suite."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from storage.people import keep_person
from tests.conftest import House
from tests.generators import CREDIT_CODE_CHARACTERS, make_credit_code
from tests.requests import kind_named
from vault.consents import consents_of, grant_consent, read_consent
from vault.delegations import grant_delegation, read_delegation
from vault.model.actors import Assurance, ClientGrant, Introduced, Person, Role
from vault.model.consent import Consent
from vault.model.delegation import Delegation
from vault.model.footing import ByConsent
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.sessions import enter
from vault.signin import add_client
from vault.workshop import Workshop

PURPOSE = "办理住房贷款"


def now() -> datetime:
    return datetime.now(UTC)


def bank(house: House) -> ClientGrant:
    """An organisation without statutory function, of its own credit code, and its system."""
    body = "MA" + "".join(secrets.choice(CREDIT_CODE_CHARACTERS) for _ in range(6))
    standing = ByConsent(make_credit_code("91990100", body))
    name = f"bank-{secrets.token_hex(4)}"
    add_client(house.wired.workshop, name, "样例银行", frozenset(), standing=standing, at=now())
    return ClientGrant(name, "样例银行", frozenset(), standing=standing)


def organisation_of(client: ClientGrant) -> str:
    assert isinstance(client.standing, ByConsent)
    return client.standing.organisation


def code_of(holder: dict[str, str]) -> HolderCode:
    return HolderCode.parse(holder["code_type"], holder["code"])


def introduced(holder: dict[str, str]) -> Introduced:
    roles = frozenset({Role.HOLDER})
    subject = f"{holder['code_type']}:{holder['code']}"
    code = code_of(holder)
    return Introduced("https://id.example", subject, holder["name"], roles, None, code, Assurance.HIGH)


def signed_in(house: House, holder: dict[str, str]) -> Person:
    """Somebody who signs in now, as a holder, and accepts what was delegated to them."""
    enter(house.wired.workshop, introduced(holder), "local", before=None, at=now())
    return person(house, holder)


def person(house: House, holder: dict[str, str]) -> Person:
    """Somebody whom the vault knows, without signing in anew."""
    workshop = house.wired.workshop
    who = introduced(holder)
    with workshop.database.writing(VAULT) as db:
        person_id = keep_person(db, workshop.keys, who, now())
    return Person(person_id, who.issuer, who.name, who.roles, None, who.code, who.assurance)


def kind(house: House, name: str) -> str:
    return kind_named(house.catalogue, name).code


def consent_body(house: House, client: ClientGrant, *kinds: str, **changes: object) -> dict[str, Any]:
    """A grant's JSON as the edge hands it on."""
    return {
        "organisation": organisation_of(client),
        "types": [kind(house, name) for name in kinds],
        "fields": None,
        "service_item": None,
        "purpose": PURPOSE,
        "valid_from": None,
        "valid_to": (legal_day(now()) + timedelta(days=7)).isoformat(),
        "uses": 5,
        **changes,
    }


def consented(
    house: House,
    holder: dict[str, str],
    client: ClientGrant,
    *kinds: str,
    workshop: Workshop | None = None,
    **changes: object,
) -> Consent:
    """A consent of this holder to this organisation for these kinds."""
    at, workshop = now(), workshop or house.wired.workshop
    request = read_consent(workshop.shelf, consent_body(house, client, *kinds, **changes), at=at)
    return grant_consent(workshop, person(house, holder), request, at=at).file.consent


def delegated(
    house: House, holder: dict[str, str], delegate: dict[str, str], /, *kinds: str, **changes: object
) -> Delegation:
    """A delegation of this holder to that person for these kinds, for both actions unless told otherwise."""
    at, workshop = now(), house.wired.workshop
    body = {
        "delegate": {key: delegate[key] for key in ("code_type", "code")},
        "types": [kind(house, name) for name in kinds],
        "actions": ["download", "present"],
        "valid_from": None,
        "valid_to": (legal_day(at) + timedelta(days=7)).isoformat(),
        **changes,
    }
    request = read_delegation(workshop.shelf, code_of(holder), body, at=at)
    return grant_delegation(workshop, person(house, holder), request, at=at).delegation


def uses_left(house: House, holder: dict[str, str], consent_id: UUID) -> int:
    found = consents_of(house.wired.workshop, person(house, holder), before=None, limit=100, at=now())
    return next(f.consent.uses_left for f in found.files if f.consent.consent_id == consent_id)
