"""From a provider's claims to somebody whom the vault can know, by the operator's configuration."""

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from api.oidc.provider import Provider
from vault.errors import InputError, NotAuthenticated
from vault.model.actors import Assurance, Introduced, Role
from vault.model.credit_code import SocialCreditCode
from vault.model.holders import NAME_LENGTH_MAX, HolderCode

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def introduced(provider: Provider, claims: Mapping[str, Any], *, today: date) -> Introduced:
    """Whom the provider introduces. `claims` have been judged already.

    A role or level that the configuration does not list is none. An ID number counts only from a provider
    that may assert one; nobody is a holder without it.

    Raises:
        NotAuthenticated: the name, the code or the organisation is there and cannot be one; the sentence
        names the
            claim, never its value.
    """
    code = _code(provider, claims, today)
    roles = _roles(provider, claims)
    if code is None:
        roles -= {Role.HOLDER}
    return Introduced(
        issuer=provider.issuer,
        subject=claims["sub"],
        name=_name(provider, claims),
        roles=roles,
        organisation=_organisation(provider, claims),
        code=code,
        assurance=_assurance(provider, claims),
    )


def _name(provider: Provider, claims: Mapping[str, Any]) -> str:
    value = claims.get(provider.claims.name)
    name = unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""
    if not 1 <= len(name) <= NAME_LENGTH_MAX or any(unicodedata.category(c) in _HIDDEN for c in name):
        raise NotAuthenticated(f"The provider's claim {provider.claims.name} is no name.")
    return name


def _code(provider: Provider, claims: Mapping[str, Any], today: date) -> HolderCode | None:
    names = provider.claims
    if not provider.may_assert_id_numbers or names.id_number is None or claims.get(names.id_number) is None:
        return None
    code_type = provider.code_type if names.code_type is None else claims.get(names.code_type)
    try:
        return HolderCode.parse(str(code_type), str(claims[names.id_number]), today=today)
    except InputError:
        raise NotAuthenticated(f"The provider's claim {names.id_number} is no code of its type.") from None


def _organisation(provider: Provider, claims: Mapping[str, Any]) -> str | None:
    name = provider.claims.organisation
    if name is None or claims.get(name) is None:
        return None
    try:
        return SocialCreditCode.parse(str(claims[name])).value
    except InputError:
        raise NotAuthenticated(f"The provider's claim {name} is no social credit code.") from None


def _roles(provider: Provider, claims: Mapping[str, Any]) -> frozenset[Role]:
    name = provider.claims.roles
    said = None if name is None else claims.get(name)
    if said is None:
        return provider.default_roles
    values = said if isinstance(said, list) else [said]
    return frozenset(provider.roles[v] for v in values if isinstance(v, str) and v in provider.roles)


def _assurance(provider: Provider, claims: Mapping[str, Any]) -> Assurance:
    name = provider.claims.assurance
    said = None if name is None else claims.get(name)
    return provider.assurances.get(str(said), Assurance.LOW)
