"""The provider's book: its one client, and invented people with their passwords, in a private file.

The passwords stand in clear here as they do in `demo.json` beside it: they open nothing but this
demonstration.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.embedded.folder import write_private
from vault.errors import InputError


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in here. `claims`: what the provider says of them; `sub` is the login."""

    login: str
    password: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that the provider knows. `origin`: the vault's address, to which it sends browsers back."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    origin: str
    redirect_uri: str
    accounts: tuple[Account, ...] = field(repr=False)

    def account(self, login: str, password: str) -> Account | None:
        """Who this is; None where it is nobody. Both take the same time."""
        found = None
        for each in self.accounts:
            same = hmac.compare_digest(each.login.encode(), login.encode("utf-8", "replace"))
            if same & hmac.compare_digest(each.password.encode(), password.encode("utf-8", "replace")):
                found = each
        return found

    def find(self, login: str) -> Account | None:
        """The account with this login."""
        return next((each for each in self.accounts if each.login == login), None)


def read_book(path: Path) -> Book:
    """The book in this file.

    Raises:
        InputError: it is not there or not one.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        accounts = tuple(Account(**each) for each in found.pop("accounts"))
        return Book(accounts=accounts, **found)
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(f"{path} is no book of the local provider.") from error


def write_book(path: Path, book: Book) -> None:
    """Writes the book, readable by its owner only; a provider that runs on it knows everybody at once."""
    document = {
        "issuer": book.issuer,
        "client_id": book.client_id,
        "client_secret": book.client_secret,
        "origin": book.origin,
        "redirect_uri": book.redirect_uri,
        "accounts": _accounts_json(book.accounts),
    }
    write_private(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _accounts_json(accounts: Sequence[Account]) -> list[dict[str, Any]]:
    return [
        {"login": each.login, "password": each.password, "claims": dict(each.claims)} for each in accounts
    ]
