"""Setting the provider up: its book, and the vault's own file of providers that names it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.local_provider.book import Account, Book, read_book, write_book
from storage.embedded.folder import kept_secret, write_private
from vault.errors import InputError
from vault.model.actors import Assurance, Role
from vault.model.holders import HolderCode

KEY = "local"
CLIENT_ID = "certvault"
BOOK_FILE = "local-provider.json"
PROVIDERS_FILE = "providers.json"
_SECRET_FILE = "local-provider-secret"  # noqa: S105 - a file's name
# How the provider words what it says of somebody; the vault's file translates it back.
_ID_NUMBER, _ID_TYPE, _ORGANISATION, _ROLES, _LEVEL = "id_number", "id_type", "organisation", "roles", "acr"


def account(
    login: str,
    password: str,
    *,
    name: str,
    roles: frozenset[Role],
    code: HolderCode | None = None,
    organisation: str | None = None,
) -> Account:
    """Somebody who can sign in here, with what the provider says of them. `organisation`: a USCC."""
    claims: dict[str, Any] = {"name": name, _ROLES: sorted(roles), _LEVEL: str(int(Assurance.HIGH))}
    if code is not None:
        claims |= {_ID_NUMBER: code.value, _ID_TYPE: code.code_type}
    if organisation is not None:
        claims[_ORGANISATION] = organisation
    return Account(login, password, claims)


def set_up(secrets: Path, *, issuer: str, origin: str, accounts: Sequence[Account]) -> Path:
    """Writes the book and the vault's file of providers into the secrets folder; the latter's path."""
    secret = kept_secret(secrets / _SECRET_FILE)
    redirect_uri = f"{origin}/signin/{KEY}/callback"
    write_book(secrets / BOOK_FILE, Book(issuer, CLIENT_ID, secret, origin, redirect_uri, tuple(accounts)))
    document = {
        "providers": [
            {
                "key": KEY,
                "name_zh": "样例省统一身份认证",
                "name_en": "the sample identity provider",
                "issuer": issuer,
                "client_id": CLIENT_ID,
                "client_secret": secret,
                "claims": {
                    "name": "name",
                    "id_number": _ID_NUMBER,
                    "code_type": _ID_TYPE,
                    "organisation": _ORGANISATION,
                    "roles": _ROLES,
                    "assurance": _LEVEL,
                },
                "roles": {role.value: role.value for role in Role},
                "assurances": {str(int(level)): int(level) for level in Assurance},
                "may_assert_id_numbers": True,
            }
        ]
    }
    path = secrets / PROVIDERS_FILE
    write_private(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    return path


def earlier_issuer(secrets: Path) -> str | None:
    """Where this folder's provider answered when it last ran."""
    try:
        return read_book(secrets / BOOK_FILE).issuer
    except InputError:
        return None
