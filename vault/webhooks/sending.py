"""What the vault hands to whoever speaks HTTP, and what it hears back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from vault.errors import VaultError


@dataclass(frozen=True, slots=True)
class Parcel:
    """A POST to be made."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Undelivered(VaultError):
    """No answer, or none that means that it arrived; `reason` is a short token without anything personal."""

    kind: ClassVar[str] = "undelivered"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The receiver did not take the delivery: {reason}.")
        self.reason = reason


# Returns when the receiver has answered with 2xx.
Send = Callable[[Parcel], None]
"""Raises `Undelivered` otherwise."""
