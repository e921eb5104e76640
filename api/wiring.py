"""From settings to a workshop: the one place where engines, keys and catalogue come together."""

from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from api.edge import EdgeSettings, Mode
from api.settings import DATABASE_POOL, PROMISE_WITHIN, PUBLIC_POOL, Settings
from signing.keys import load_file_key
from signing.log_key import read_log_key
from signing.timestamp import DevelopmentTimeStampAuthority, HttpTimeStampAuthority, TimeStampAuthority
from signing.trust import certificates_der
from signing.typeset import Typesetter
from storage.blobs import BlobStore, StoreAddress
from storage.db import Database, WriteConnection
from storage.envelope import KeyRing, file_key_ring
from storage.key_state import take_up
from storage.public_read import PublicReader
from vault.errors import InputError
from vault.founding import SecretsFolder
from vault.seal_ring import SealRing
from vault.shelf import CatalogueShelf
from vault.workshop import Workshop

# A time-stamp authority that needs longer holds up a window: the deposit answers 503 and is sent again.
TSA_TIMEOUT_S = 2.0
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

    def on_write(db: WriteConnection, *, repeatable: bool) -> None:
        take_up(db, keys, repeatable=repeatable)

    return Database(settings.database_url.get_secret_value(), pool_size=DATABASE_POOL, on_write=on_write)


def blobs_of(settings: Settings) -> BlobStore:
    """The object store's client of this process."""
    return BlobStore(
        StoreAddress(
            str(settings.s3_endpoint).rstrip("/"),
            settings.s3_access_key,
            settings.s3_secret_key.get_secret_value(),
        )
    )


def wire(settings: Settings) -> Wired:
    """Builds everything; no engine is asked for anything yet.

    Raises:
        InputError: a secret or a trust file is missing or unreadable; the sentence says which.
    """
    secrets = SecretsFolder(settings.secrets)
    try:
        keys = file_key_ring(secrets.key_ring)
        passphrase = secrets.passphrase.read_bytes()
        log_key = read_log_key(secrets.log_key.read_bytes())
        token_key = secrets.token_key.read_text()
        roots = certificates_der(settings.trust.read_bytes())
    except OSError as error:
        raise InputError(f"{error.filename} is not readable: {error.strerror}.") from error
    database = _database(settings, keys)
    workshop = Workshop(
        database=database,
        blobs=blobs_of(settings),
        keys=keys,
        shelf=CatalogueShelf(database),
        typesetter=Typesetter(compilers=COMPILERS),
        seals=SealRing(secrets.seals, passphrase),
        tsa=_time_stamp_authority(settings, secrets, passphrase),
        log_key=log_key,
        trust_roots=roots,
        public_url=settings.origin,
        retention=timedelta(days=settings.retention_days),
        promise_within=PROMISE_WITHIN,
    )
    edge = EdgeSettings(
        mode=settings.mode,
        public_url=settings.origin,
        token_key_pem=token_key,
        token_key_id="access-1",  # noqa: S106 - the key's public name
        version=version("certvault"),
    )
    return Wired(workshop, reader_of(settings, keys), edge)


def reader_of(settings: Settings, keys: KeyRing) -> PublicReader:
    """The public verification's reader of this process."""
    return PublicReader(settings.database_url.get_secret_value(), keys, pool_size=PUBLIC_POOL)


def _time_stamp_authority(
    settings: Settings, secrets: SecretsFolder, passphrase: bytes
) -> TimeStampAuthority | None:
    if settings.tsa_url is not None:
        return HttpTimeStampAuthority(str(settings.tsa_url), TSA_TIMEOUT_S)
    if settings.mode is Mode.DEVELOPMENT and secrets.tsa_key.exists():
        key = load_file_key(secrets.tsa_key.read_bytes(), passphrase, secrets.tsa_certificate.read_bytes())
        return DevelopmentTimeStampAuthority(key)
    return None
