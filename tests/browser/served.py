"""The vault that serves the pages in these tests."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tests.conftest import House
from tests.provider import IdentityProvider
from tests.requests import example_request
from vault.deposit import Deposited, hand_in
from vault.workshop import Workshop


@dataclass(frozen=True)
class Served:
    """A vault that serves on this machine, and the provider at which its people sign in.

    What a test puts in (`deposit`, flows with `workshop`) is what the pages show.
    """

    house: House
    origin: str
    provider: IdentityProvider

    @property
    def workshop(self) -> Workshop:
        """The house's workshop, whose addresses lead here."""
        return replace(self.house.wired.workshop, public_url=self.origin)

    def deposit(self, request: dict[str, Any] | None = None) -> Deposited:
        """A deposited case; the catalogue's example if none is given."""
        asked = request or example_request(self.house.catalogue)
        return hand_in(self.workshop, self.house.client, asked, at=datetime.now(UTC))
