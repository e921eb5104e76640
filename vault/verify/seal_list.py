"""The issuing authorities' seals as the judge of strange files needs them: by certificate, with times."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from signing.validate import ListedSeal, Trust
from storage.db import ReadConnection
from storage.seals import listed_seals
from vault.workshop import Workshop

# Certificates of seals never change; a province has some thousand.
_REMEMBERED = 4096
# To a judging child go 16 MiB of trust at most; a city's authority has a list of some hundred kB.
_CRLS_MAX_BYTES = 8 * 1024 * 1024


def trust_with_seals(workshop: Workshop, db: ReadConnection, *, national: bool = False) -> Trust:
    """The vault's roots and its list of seals, stopped ones too: what they sealed before stays sealed.

    `national`: with the CRLs of national seals, of use for an OFD; without them where they are too long, and
    whether a certificate was revoked is not known then.
    """
    seals = tuple(
        ListedSeal(_sha256(seal.certificate_pem), seal.authority, seal.created_at, seal.stopped_at)
        for seal in listed_seals(db)
    )
    crls = workshop.national.crls if national else ()
    known = crls if sum(map(len, crls)) <= _CRLS_MAX_BYTES else ()
    return replace(workshop.trust, seals=seals, national_crls=known)


@dataclass(frozen=True, slots=True)
class SealOwner:
    """Whose seal it is, and what for (`storage.seals`); `purpose` None: for the PDFs that it issues."""

    authority: str
    purpose: str | None


def seal_owners(db: ReadConnection) -> Mapping[str, frozenset[SealOwner]]:
    """Who owns the vault's seals, stopped ones too, by the SHA-256 (hex) of their certificates."""
    found: dict[str, set[SealOwner]] = defaultdict(set)
    for seal in listed_seals(db):
        found[_sha256(seal.certificate_pem)].add(SealOwner(seal.authority, seal.purpose))
    return {certificate: frozenset(owners) for certificate, owners in found.items()}


@lru_cache(maxsize=_REMEMBERED)
def _sha256(certificate_pem: str) -> str:
    """Of the DER of a PEM's first certificate, the seal's own; the others are its issuers'."""
    body = certificate_pem.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0]
    return hashlib.sha256(base64.b64decode(body)).hexdigest()
