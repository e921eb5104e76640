"""The file of identity providers: read once at start, every mistake in it told at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from api.edge import Mode
from api.oidc.provider import PROVIDER_KEY, ClaimNames, Provider
from api.shaped_file import read_shaped_file
from vault.errors import InputError
from vault.model.actors import Assurance, Role

_Algorithm = Literal["RS256", "PS256", "ES256"]
Text = Annotated[str, Field(min_length=1, max_length=500)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Claims(_Shape):
    name: Text = "name"
    id_number: Text | None = None
    code_type: Text | None = None
    organisation: Text | None = None
    roles: Text | None = None
    assurance: Text | None = None


class _Provider(_Shape):
    key: Text = Field(pattern=f"^{PROVIDER_KEY.pattern}$")
    name_zh: Text
    name_en: Text
    issuer: Text
    client_id: Text
    client_secret: Text
    scopes: list[Text] = ["openid", "profile"]
    # OpenID Connect Core 15.1 wants RS256 of every provider; the others are what better ones sign with.
    algorithms: list[_Algorithm] = Field(default=["RS256", "PS256", "ES256"], min_length=1)
    claims: _Claims = _Claims()
    roles: dict[str, Role] = {}
    default_roles: list[Role] = []
    assurances: dict[str, Assurance] = {}
    may_assert_id_numbers: bool = False
    code_type: Text = "111"
    from_userinfo: bool = False

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.netloc or parts.query or parts.fragment:
            msg = "an issuer is an address without query and fragment, as its metadata spells it"
            raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _means_what_it_says(self) -> Self:
        if "openid" not in self.scopes:
            msg = "scopes: openid is missing"
            raise ValueError(msg)
        if self.may_assert_id_numbers is (self.claims.id_number is None):
            msg = "claims.id_number and may_assert_id_numbers go together: both or neither"
            raise ValueError(msg)
        return self


class _File(_Shape):
    providers: list[_Provider]


def read_providers(path: Path, mode: Mode) -> tuple[Provider, ...]:
    """The providers of this file, in its order.

    Raises:
        InputError: it cannot be read or is not valid; or, in production, an issuer is not reached by https.
    """
    found = read_shaped_file(path, _File)
    _check(found.providers, path, mode)
    return tuple(_provider(each) for each in found.providers)


def _check(providers: Sequence[_Provider], path: Path, mode: Mode) -> None:
    keys = [each.key for each in providers]
    if len(set(keys)) != len(keys):
        raise InputError(f"{path} is not valid: two providers have the same key.")
    plain = [each.key for each in providers if not each.issuer.startswith("https:")]
    if plain and mode is Mode.PRODUCTION:
        raise InputError(f"Production asks identity providers by https only: {path}, {', '.join(plain)}.")


def _provider(each: _Provider) -> Provider:
    return Provider(
        key=each.key,
        names={"zh": each.name_zh, "en": each.name_en},
        issuer=each.issuer,
        client_id=each.client_id,
        client_secret=each.client_secret,
        scopes=tuple(each.scopes),
        algorithms=tuple(each.algorithms),
        claims=ClaimNames(**each.claims.model_dump()),
        roles=each.roles,
        default_roles=frozenset(each.default_roles),
        assurances=each.assurances,
        may_assert_id_numbers=each.may_assert_id_numbers,
        code_type=each.code_type,
        from_userinfo=each.from_userinfo,
    )
