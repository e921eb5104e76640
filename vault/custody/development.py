"""Grants of a development vault: generous, and still made by one invented custodian, approved by another."""

from collections.abc import Callable
from datetime import datetime, timedelta

from storage.grants import grants_of_seals
from storage.people import keep_person
from storage.seals import ATTESTATION, GRANTED_PURPOSES, NATIONAL, all_seals
from vault.custody.granting import GRANTS_MAX, approve, propose
from vault.model.actors import Introduced, Person
from vault.model.catalogue import DocumentFormat
from vault.model.custody import GRANT_DAYS_MAX, GrantTerms
from vault.model.scope import NOBODY, VAULT
from vault.workshop import Workshop

# Far more than a bench deposits in a day.
GENEROUS_CAP = 1_000_000
VIA = "founding"


def development_custodian(workshop: Workshop, who: Introduced, *, at: datetime) -> Person:
    """Somebody whom the local provider will introduce so: the same person when they sign in themselves.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(NOBODY) as db:
        person_id = keep_person(db, workshop.keys, who, at)
    return Person(person_id, who.issuer, who.name, who.roles, who.organisation, who.code, who.assurance)


def grant_what_is_missing(
    workshop: Workshop, client_id: str, custodians: Callable[[str], tuple[Person, Person]], *, at: datetime
) -> int:
    """Lets a client use every authority's seal in use for each of its types; how many grants that took.

    `custodians`: who makes and who approves for an authority (USCC).

    Raises:
        NotPermitted: the two are not two seal custodians.
        Unavailable: the database does not answer.
    """
    types = workshop.shelf.types(at)
    with workshop.database.reading(VAULT) as db:
        seals = [
            row
            for row in all_seals(db)
            if row.purpose in GRANTED_PURPOSES and row.stopped_at is None and row.not_after > at
        ]
        held = {
            (g.terms.seal_id, g.terms.type_code, g.terms.type_version)
            for g in grants_of_seals(db, [row.seal_id for row in seals])
            if g.terms.client_id == client_id and g.in_force(at)
        }
    missing: dict[str, list[GrantTerms]] = {row.authority: [] for row in seals}
    for row in seals:
        missing[row.authority] += [
            GrantTerms(
                seal_id=row.seal_id,
                type_code=kind.code,
                type_version=kind.version,
                client_id=client_id,
                daily_cap=GENEROUS_CAP,
                valid_from=at,
                valid_to=min(row.not_after, at + timedelta(days=GRANT_DAYS_MAX)),
            )
            for kind in types.values()
            if (row.purpose == ATTESTATION or kind.authority(row.authority) is not None)
            and (row.purpose != NATIONAL or DocumentFormat.OFD in kind.formats)
            and (row.seal_id, kind.code, kind.version) not in held
        ]
    for authority, terms in missing.items():
        if terms:
            makes, approves = custodians(authority)
        for start in range(0, len(terms), GRANTS_MAX):
            made = propose(workshop, makes, terms[start : start + GRANTS_MAX], via=VIA, at=at)
            approve(workshop, approves, [grant.grant_id for grant in made.grants], via=VIA, at=at)
    return sum(map(len, missing.values()))
