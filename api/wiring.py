"""From settings to a workshop: the one place where engines, keys and catalogue come together."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from api.courier import Courier
from api.edge import EdgeSettings, Mode
from api.long_term_file import read_long_term
from api.providers import read_providers
from api.settings import DATABASE_POOL, PROMISE_WITHIN, PUBLIC_POOL, Settings
from api.token_keys import read_token_keys
from signing.keys import load_file_key
from signing.log_key import read_log_key
from signing.national.certificates import read_pem
from signing.national.trust import NationalTrust, national_trust
from signing.revocation import RevocationSources, development_sources
from signing.timestamp import DevelopmentTimeStampAuthority, HttpTimeStampAuthority, TimeStampAuthority
from signing.trust import IssuedKey, certificates_der
from signing.typeset import Typesetter
from storage.blobs import BlobStore
from storage.db import Database
from storage.envelope import KeyRing, file_key_ring
from storage.key_state import opening
from storage.log_store import LogStore
from storage.public_read import PublicReader
from storage.s3 import StoreAddress
from vault.errors import InputError, SignatureError
from vault.founding import SecretsFolder
from vault.model.certificate import SealLevel
from vault.model.destinations import read_networks
from vault.model.long_term import LongTermPolicy
from vault.seal_ring import SealRing
from vault.shelf import CatalogueShelf
from vault.statement_ring import StatementRing
from vault.tlog.witness import parse_witnesses
from vault.workshop import Workshop

# A time-stamp authority that needs longer holds up a window: the seal gets its time-stamp in the background.
TSA_TIMEOUT_S = 2.0
# While it is away not every deposit waits for so long: it is asked again after this time.
TSA_PAUSE_S = 10.0
# Pages are set on both cores at once; more compilers only take memory (about 60 MB each).
COMPILERS = 2


@dataclass(frozen=True, slots=True)
class Wired:
    """Everything that one process runs on."""

    workshop: Workshop
    reader: PublicReader
    edge: EdgeSettings


def database_of(settings: Settings) -> Database:
    """A pool for a process that writes neither an envelope nor an index."""
    return Database(settings.database_url.get_secret_value(), pool_size=DATABASE_POOL)


def _database(settings: Settings, keys: KeyRing) -> Database:
    """The pool of this process, which writes under the keys that the database says are active."""
    return Database(settings.database_url.get_secret_value(), pool_size=DATABASE_POOL, opening=opening(keys))


def blobs_of(settings: Settings) -> BlobStore:
    """The object store's client of this process."""
    return BlobStore(_store_address(settings))


def _store_address(settings: Settings) -> StoreAddress:
    return StoreAddress(
        str(settings.s3_endpoint).rstrip("/"),
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
    )


def wire(settings: Settings, *, compilers: int = COMPILERS) -> Wired:
    """Builds everything; no engine is asked for anything yet. `compilers`: pages that are set at once.

    Raises:
        InputError: a secret or a trust file is missing or unreadable; the sentence says which.
    """
    secrets = SecretsFolder(settings.secrets)
    try:
        keys = file_key_ring(secrets.key_ring)
        passphrase = secrets.passphrase.read_bytes()
        log_key = read_log_key(secrets.log_key.read_bytes())
        roots = certificates_der(settings.trust.read_bytes())
        national = _national_trust(settings, secrets)
        witnesses = () if settings.witnesses is None else parse_witnesses(settings.witnesses.read_text())
    except OSError as error:
        raise InputError(f"{error.filename} is not readable: {error.strerror}.") from error
    read_token_keys(secrets.path)  # tells now what every request would tell
    tsa = _time_stamp_authority(settings, secrets, passphrase)
    policy, sources = _long_term(settings, secrets, passphrase, tsa)
    database = _database(settings, keys)
    workshop = Workshop(
        database=database,
        blobs=blobs_of(settings),
        keys=keys,
        shelf=CatalogueShelf(database),
        typesetter=Typesetter(compilers=compilers),
        seals=SealRing(secrets.seals, passphrase),
        tsa=tsa,
        log_key=log_key,
        trust_roots=roots,
        public_url=settings.origin,
        retention=timedelta(days=settings.retention_days),
        promise_within=PROMISE_WITHIN,
        log_store=LogStore(_store_address(settings)),
        statements=StatementRing(secrets.statements, passphrase),
        witnesses=witnesses,
        long_term=policy,
        revocation=sources,
        national=national,
    )
    edge = EdgeSettings(
        public_url=settings.origin,
        token_keys=secrets.path,
        version=version("certvault"),
        listed_items_only=settings.listed_items_only,
        destinations=settings.destinations,
        providers=() if settings.providers is None else read_providers(settings.providers, settings.mode),
        trusted_proxies=read_networks(settings.trusted_proxies),
        limits_factor=settings.limits_times,
        mode=settings.mode,
    )
    return Wired(workshop, reader_of(settings, keys), edge)


def courier_of(settings: Settings) -> Courier:
    """Who carries webhooks; it believes the system's certificates, or those that `SSL_CERT_FILE` names."""
    return Courier(settings.destinations, ssl.create_default_context(), version("certvault"))


def reader_of(settings: Settings, keys: KeyRing) -> PublicReader:
    """The public verification's reader of this process."""
    return PublicReader(settings.database_url.get_secret_value(), keys, pool_size=PUBLIC_POOL)


def _long_term(
    settings: Settings, secrets: SecretsFolder, passphrase: bytes, tsa: TimeStampAuthority | None
) -> tuple[LongTermPolicy, RevocationSources]:
    """What the file says; without one B-T, and all of it where the vault has an authority of its own."""
    if settings.long_term is not None:
        policy, sources = read_long_term(settings.long_term)
        if tsa is None:
            raise InputError(f"{settings.long_term}: set CERTVAULT_TSA_URL; nothing is raised without one.")
        return policy, RevocationSources(sources)
    if tsa is None:
        return LongTermPolicy(), RevocationSources(())
    if settings.tsa_url is None and secrets.authority_key.exists():
        authority = IssuedKey(secrets.authority_key.read_bytes(), secrets.authority_certificate.read_bytes())
        policy = LongTermPolicy(SealLevel.B_LTA, grace=timedelta(0))
        return policy, development_sources(authority, passphrase, lambda: datetime.now(UTC))
    return LongTermPolicy(SealLevel.B_T), RevocationSources(())


def _national_trust(settings: Settings, secrets: SecretsFolder) -> NationalTrust:
    """The roots that the settings name; a development vault believes its own authority."""
    path = settings.national_trust
    own = secrets.national_trust
    if path is None and settings.mode is Mode.DEVELOPMENT and own.exists():
        path = own
    if path is None:
        return NationalTrust(())
    try:
        return national_trust(read_pem(path.read_bytes()))
    except SignatureError as error:
        raise InputError(f"{path}: {error.detail}") from error


def _time_stamp_authority(
    settings: Settings, secrets: SecretsFolder, passphrase: bytes
) -> TimeStampAuthority | None:
    if settings.tsa_url is not None:
        return HttpTimeStampAuthority(str(settings.tsa_url), TSA_TIMEOUT_S, pause_s=TSA_PAUSE_S)
    if settings.mode is Mode.DEVELOPMENT and secrets.tsa_key.exists():
        key = load_file_key(secrets.tsa_key.read_bytes(), passphrase, secrets.tsa_certificate.read_bytes())
        return DevelopmentTimeStampAuthority(key)
    return None
