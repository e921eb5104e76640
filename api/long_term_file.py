"""The file of the long-term seals: read once at start, every mistake in it told at once."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from api.shaped_file import read_shaped_file
from signing.algorithms import LIFETIMES
from signing.revocation import RevocationSource
from signing.trust import certificates_der
from vault.errors import InputError
from vault.model.certificate import SealLevel
from vault.model.long_term import (
    GRACE,
    MARGIN,
    OUTAGE_DOCUMENTS_MAX,
    OUTAGE_MAX,
    LongTermPolicy,
    OutageBudget,
    OverBudget,
)

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source(_Shape):
    issuer: Path
    ocsp: str | None = None
    crl: str | None = None

    @field_validator("ocsp", "crl")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
            msg = "expected an address that begins with http:// or https://"
            raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.ocsp is None and self.crl is None:
            msg = "a source has an ocsp or a crl address, or both"
            raise ValueError(msg)
        return self


class _Outage(_Shape):
    hours: Annotated[float, Field(gt=0, le=8784)] = OUTAGE_MAX / _HOUR
    documents: Annotated[int, Field(ge=1, le=100_000_000)] = OUTAGE_DOCUMENTS_MAX
    then: OverBudget = OverBudget.REFUSE


class _File(_Shape):
    target: Literal["B-T", "B-LT", "B-LTA"]
    sources: list[_Source] = []
    margin_days: Annotated[int, Field(ge=1, le=3650)] = MARGIN // _DAY
    grace_minutes: Annotated[int, Field(ge=0, le=43_200)] = GRACE // _MINUTE
    outage: _Outage = _Outage()
    algorithms: dict[str, date] = {}

    @field_validator("algorithms")
    @classmethod
    def _are_known(cls, dates: dict[str, date]) -> dict[str, date]:
        unknown = sorted(set(dates) - set(LIFETIMES))
        if unknown:
            msg = f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(LIFETIMES))}"
            raise ValueError(msg)
        return dates

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.target != SealLevel.B_T.value and not self.sources:
            msg = f"level {self.target} needs sources of revocation data"
            raise ValueError(msg)
        return self


def read_long_term(path: Path) -> tuple[LongTermPolicy, tuple[RevocationSource, ...]]:
    """The policy and the sources of this file; certificates are named relative to it.

    Raises:
        InputError: it cannot be read or is not valid, or one of its certificates is not.
    """
    found = read_shaped_file(path, _File)
    policy = LongTermPolicy(
        target=SealLevel(found.target),
        margin=found.margin_days * _DAY,
        grace=found.grace_minutes * _MINUTE,
        budget=OutageBudget(found.outage.hours * _HOUR, found.outage.documents, found.outage.then),
        lifetimes={name: datetime.combine(day, time(), tzinfo=UTC) for name, day in found.algorithms.items()},
    )
    return policy, tuple(_source(each, path.parent) for each in found.sources)


def _source(source: _Source, folder: Path) -> RevocationSource:
    file = folder / source.issuer
    try:
        issuers = certificates_der(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} is not readable: {error.strerror}.") from error
    if len(issuers) != 1:
        raise InputError(f"{file}: expected one certificate, got {len(issuers)}.")
    return RevocationSource(issuers[0], source.ocsp, source.crl)
