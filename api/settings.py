"""Settings: the only place that reads the environment. Every name begins with CERTVAULT_.

In production nothing has a default that matters: addresses, credentials and keys are all given.
"""

import os
import shlex
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, UrlConstraints, ValidationError, ValidationInfo, field_validator
from pydantic_core import Url
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.edge import Mode
from vault.errors import InputError
from vault.model.destinations import Destinations, read_networks

PREFIX = "CERTVAULT_"
OWNER_VARIABLE = PREFIX + "OWNER_DATABASE_URL"
RUNNING_FILE = "vault.env"
"""In a data folder: the settings of the vault that runs on it, for other commands; gone when it stops."""

HttpUrl = Annotated[Url, UrlConstraints(allowed_schemes=["http", "https"])]

# Thirty years and the leap days in them: as long as the vault has to answer for what it sealed.
RETENTION_DAYS = 30 * 365 + 8
# RFC 9162, 1.1: a promise to log has a maximum merge delay; a day, as public logs promise.
PROMISE_WITHIN = timedelta(hours=24)
# Two processes of a demo and a worker together stay under PostgreSQL's default of 100 connections.
DATABASE_POOL = 12
# A demo's walk, a test run and a bench are no attacks; limits are tried out with CERTVAULT_LIMITS_FACTOR=1.
DEVELOPMENT_LIMITS = 10_000.0
PUBLIC_POOL = 6
# What a QR of 30 mm has left for it beside the longest statement, and more than names of hosts usually are.
ORIGIN_MAX_CHARS = 56


class Settings(BaseSettings):
    """What one process is told. `database_url`: as the service; `owner_database_url`: as the tables' owner.

    Only `db upgrade` needs the owner; no process that serves is told its address.

    `secrets`: the folder with keys.json, log.key.pem, token.key.pem and seals/.

    `providers`: the JSON file of the identity providers; without one nobody can sign in, systems excepted.

    `trust`: PEM bundle of the roots that seals and time-stamps must chain to. `national_trust`: of the roots
    of national seals (SM2) and the authorities below them; without it none is taken in. `tsa_url`: RFC 3161
    time-stamp authority; without one, development mode uses its own (`tsa.key.pem` in `secrets`), production
    seals B-B. `long_term`: JSON file with the level that seals are raised to, sources of revocation data and
    the budget of an outage (docs/long-term.md); without one, B-T where there is a time-stamp authority.
    `cipher_suite`: what new versions of the vault's own keys serve (`certvault keys rotate`).
    `listed_items_only`: refuse deposits of service items that the catalogue does not have.
    `webhook_networks`: networks beside the public ones in which webhooks may be received, such as
    `10.20.0.0/16,fd00:1::/32`. `witnesses`: file with the log's witnesses, one a line. `trusted_proxies`:
    networks of the proxies in front, comma-separated; `limits_factor`: see `limits_times`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    mode: Mode = Mode.PRODUCTION
    database_url: SecretStr
    owner_database_url: SecretStr | None = None
    s3_endpoint: HttpUrl
    s3_access_key: str
    s3_secret_key: SecretStr
    public_url: HttpUrl
    secrets: Path
    trust: Path
    national_trust: Path | None = None
    providers: Path | None = None
    tsa_url: HttpUrl | None = None
    long_term: Path | None = None
    cipher_suite: Literal["aes-256-gcm", "sm4-gcm"] = "aes-256-gcm"
    witnesses: Path | None = None
    trusted_proxies: str = ""
    limits_factor: Annotated[float, Field(gt=0)] | None = None
    retention_days: Annotated[int, Field(ge=1, le=36525)] = RETENTION_DAYS
    listed_items_only: bool = False
    webhook_networks: str = ""

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, url: Url, info: ValidationInfo) -> Url:
        if url.path not in {None, "", "/"} or url.query or url.fragment:
            msg = "CERTVAULT_PUBLIC_URL is the vault's origin: scheme and host, no path"
            raise ValueError(msg)
        if len(str(url).rstrip("/")) > ORIGIN_MAX_CHARS:
            msg = f"CERTVAULT_PUBLIC_URL is printed in every QR code: at most {ORIGIN_MAX_CHARS} characters"
            raise ValueError(msg)
        # Session cookies, client secrets and the tokens in QR codes travel to this address.
        if info.data.get("mode") is Mode.PRODUCTION and url.scheme != "https":
            msg = "production is reached by https only"
            raise ValueError(msg)
        return url

    @field_validator("webhook_networks", "trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        try:
            read_networks(text)
        except InputError as error:
            raise ValueError(error.detail) from None
        return text

    @property
    def destinations(self) -> Destinations:
        """Where webhooks may be sent."""
        https_only = self.mode is Mode.PRODUCTION
        return Destinations(https_only=https_only, networks=read_networks(self.webhook_networks))

    @property
    def limits_times(self) -> float:
        """How many times the usual limits strangers have. A development vault is asked from one address."""
        if self.limits_factor is not None:
            return self.limits_factor
        return 1.0 if self.mode is Mode.PRODUCTION else DEVELOPMENT_LIMITS

    @property
    def migrating_url(self) -> str:
        """The database as the owner of the tables; in development the service may be that.

        Raises:
            InputError: production, and the owner's address is not given.
        """
        if self.owner_database_url is not None:
            return self.owner_database_url.get_secret_value()
        if self.mode is Mode.PRODUCTION:
            raise InputError(
                f"Set {OWNER_VARIABLE}: in production one role owns the tables and another one serves."
            )
        return self.database_url.get_secret_value()

    @property
    def origin(self) -> str:
        """The public URL without a trailing slash: what a QR points to."""
        return str(self.public_url).rstrip("/")

    def environment(self) -> dict[str, str]:
        """The environment variables that say the same: for child processes, and for a file."""
        shown = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in shown.items()
            if value is not None
        }


def read_settings(given: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the environment; what is `given` (by field name) comes first.

    Raises:
        InputError: something is missing or cannot be; the sentence names each variable, never its value.
    """
    try:
        return Settings(**(given or {}))
    except ValidationError as error:
        lines = (
            f"{PREFIX}{'_'.join(map(str, found['loc'])).upper()}: {found['msg']}" for found in error.errors()
        )
        raise InputError("The settings are not complete: " + "; ".join(lines) + ".") from None


def in_environment() -> bool:
    """Whether the environment holds any setting."""
    return any(name.startswith(PREFIX) for name in os.environ)


def child_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with these settings in it, for a child process that serves.

    Without the owner's address: what is taken over by somebody cannot tell it.
    """
    told = {**os.environ, **settings.environment()}
    told.pop(OWNER_VARIABLE, None)
    return told


def write_settings(settings: Settings) -> str:
    """The settings as lines `NAME=value`, quoted so that a shell reads them, too."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.environment().items())


def parse_settings(text: str) -> Settings:
    """The settings that `write_settings` wrote.

    Raises:
        InputError: as `read_settings`.
    """
    pairs = (word.partition("=") for word in shlex.split(text))
    return read_settings({name.removeprefix(PREFIX).lower(): value for name, _, value in pairs})
