"""The vault that serves the pages in these tests."""

from dataclasses import dataclass
from typing import Any

from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.provider import IdentityProvider
from tests.requests import example_request
from vault.deposit import Deposited


@dataclass(frozen=True)
class Served:
    """A vault that serves on this machine, and the provider at which its people sign in.

    What a test puts into the house (`deposit`, flows with `house.wired.workshop`) is what the pages show.
    """

    house: House
    origin: str
    provider: IdentityProvider

    def deposit(self, request: dict[str, Any] | None = None) -> Deposited:
        """A deposited case; the catalogue's example if none is given."""
        return deposited(self.house, request or example_request(self.house.catalogue))
