"""A desk that issues under a seal of its own: nothing is granted there until a test grants it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signing.keys import SignatureAlgorithm
from storage.seal_uses import used_on
from storage.seals import SealRow, stop_seal
from tests.custodians import two_custodians
from tests.requests import FOOD, example_request, kind_named
from vault.custody import approve, propose
from vault.deposit import Deposited, hand_in
from vault.founding import SecretsFolder, make_development_seal
from vault.model.actors import ClientGrant, Person
from vault.model.custody import Grant, GrantTerms
from vault.model.legal_time import legal_day
from vault.signin import add_client

if TYPE_CHECKING:
    from tests.conftest import House

VIA = "test"


class Desk:
    """A client of its own, a seal of its own, and two custodians: nothing is granted yet."""

    def __init__(self, house: "House", client: ClientGrant, seal: SealRow) -> None:
        self.house = house
        self.workshop = house.wired.workshop
        self.client = client
        self.seal = seal
        self.makes, self.approves = two_custodians(seal.authority)
        self.kind = kind_named(house.catalogue, FOOD)

    def terms(self, cap: int = 5, **changes: object) -> GrantTerms:
        """Terms that can be granted, but for the changes."""
        now = datetime.now(UTC)
        terms = GrantTerms(
            self.seal.seal_id,
            self.kind.code,
            self.kind.version,
            self.client.client_id,
            cap,
            now - timedelta(days=2),
            now + timedelta(days=30),
        )
        return replace(terms, **changes)  # type: ignore[arg-type]  # each test names the fields it changes

    def proposed(self, terms: GrantTerms, by: Person | None = None) -> Grant:
        """A grant that nobody approved yet."""
        made = propose(self.workshop, by or self.makes, [terms], via=VIA, at=datetime.now(UTC))
        return made.grants[0]

    def granted(self, cap: int = 5, **changes: object) -> Grant:
        """A grant in force."""
        grant = self.proposed(self.terms(cap, **changes))
        return approve(self.workshop, self.approves, [grant.grant_id], via=VIA, at=datetime.now(UTC)).grants[
            0
        ]

    def deposit(self, request: dict[str, Any] | None = None) -> Deposited:
        """A case of the desk's own client; a new one if none is given."""
        now = datetime.now(UTC)
        return hand_in(self.workshop, self.client, request or example_request(self.house.catalogue), at=now)

    def used(self, grant: Grant, day: date | None = None) -> int:
        """What is counted on a grant; today if no day is given."""
        with self.workshop.database.reading() as db:
            return used_on(db, [grant.grant_id], day or legal_day(datetime.now(UTC))).get(grant.grant_id, 0)


@contextmanager
def open_desk(house: "House") -> Iterator[Desk]:
    """A new desk; its seal is stopped at the end, so that the authority's older one counts again."""
    now = datetime.now(UTC)
    workshop = house.wired.workshop
    kind = kind_named(house.catalogue, FOOD)
    authority = kind.example["issuing_authority"]
    found = kind.authority(authority)
    assert found is not None
    name = f"desk-{now.timestamp():.6f}"
    client = ClientGrant(name, name, frozenset({authority}))
    add_client(workshop, name, name, client.authorities, at=now)
    seal = make_development_seal(
        workshop.database,
        SecretsFolder(house.settings.secrets),
        authority=authority,
        authority_name=found.name,
        algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
        centre=None,
        at=now,
    )
    yield Desk(house, client, seal)
    with workshop.database.writing() as db:
        stop_seal(db, seal.seal_id, datetime.now(UTC))
