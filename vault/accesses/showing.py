"""A holder's history as the contract writes it."""

from typing import Any

from vault.accesses.reading import Accesses
from vault.catalogue import InForce
from vault.log import moment
from vault.model.access_words import Names, sentences
from vault.model.deferral import ORDER_NAMES
from vault.model.history_entry import Access, Thing, access_id
from vault.model.use import SubjectKind


def accesses_json(found: Accesses, catalogue: InForce) -> dict[str, Any]:
    """A page of a holder's history; `next` goes into `before` for the page after it."""
    bodies = {body.code: body.name for kind in catalogue.types.values() for body in kind.authorities}
    return {
        "accesses": [_access_json(access, catalogue, bodies) for access in found.accesses],
        "next": found.next_before,
    }


def _access_json(access: Access, catalogue: InForce, bodies: dict[str, str]) -> dict[str, Any]:
    item = None if access.service_item is None else catalogue.items.get(access.service_item)
    names = Names(
        things=tuple(_type_name(thing, catalogue) for thing in access.things),
        item=None if item is None else item.name,
        authorities=tuple(bodies.get(code, code) for code in access.authorities)
        if len(access.authorities) == 1
        else (),
    )
    told = sentences(access, names)
    return {
        "access_id": access_id(access.event_id),
        "at": moment(access.at),
        "action": access.action,
        "summary": {"zh": told.zh, "en": told.en},
        "who": {
            "kind": access.who.value,
            "client": access.client,
            "organisation": access.organisation or (names.authorities[0] if names.authorities else None),
            "role": "clerk" if access.by_clerk else None,
        },
        "things": [_thing_json(thing, name) for thing, name in zip(access.things, names.things, strict=True)],
        "things_count": access.things_count,
        "service_item": access.service_item,
        "service_item_name": names.item,
        "case_number": access.case_number,
        "purpose": access.purpose,
        "use": None
        if access.use is None
        else {
            "use_id": str(access.use.use_id),
            "copy": access.use.copy,
            "expires_at": moment(access.use.expires_at),
            "revoked_at": None if access.use.revoked_at is None else moment(access.use.revoked_at),
        },
        "footing": _footing(access),
        "legal_basis": access.legal_basis,
        "step": access.step,
        "count": access.count,
        "deferred": None
        if access.deferred is None
        else {
            "order": access.deferred.kind.value,
            "order_name": dict(zip(("zh", "en"), ORDER_NAMES[access.deferred.kind], strict=True)),
            "shown_from": moment(access.deferred.shown_from),
        },
    }


def _footing(access: Access) -> str | None:
    """What it rested on, where that was recorded."""
    if access.by_consent:
        return "consent"
    return None if access.legal_basis is None else "statutory"


def _thing_json(thing: Thing, name: str) -> dict[str, Any]:
    return {
        "kind": thing.kind.value,
        "id": str(thing.id),
        "type": thing.type_code,
        "type_name": name,
        "identifier": thing.identifier,
    }


def _type_name(thing: Thing, catalogue: InForce) -> str:
    known = catalogue.types if thing.kind is SubjectKind.CERTIFICATE else catalogue.materials
    kind = known.get(thing.type_code)
    return thing.type_code if kind is None else kind.name
