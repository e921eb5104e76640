"""The doctor's examination: a line for each thing that a vault needs, and what to do if it is missing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.cli.finding import Finding, Level
from api.cli.frame import find_settings
from api.cli.seal_checkup import grants_of_seals, renewals_of_seals, seals_in_custody, time_stamps
from api.edge import Mode
from api.oidc import RelyingParty, new_http
from api.providers import read_providers
from api.service_role import check_service_role, role_sentence
from api.settings import Settings
from api.token_keys import read_token_keys
from api.wiring import blobs_of, database_of, wire
from migrations import run as migrations
from signing.limits import landlock_version
from storage.health import server_state
from storage.key_state import current_state
from vault.audit_parts import parts_out, room_ahead
from vault.catalogue import page_data
from vault.errors import VaultError
from vault.founding import SecretsFolder
from vault.model.catalogue import CertificateType
from vault.model.holders import Holder
from vault.model.scope import VAULT
from vault.statement_ring import statement_key_files
from vault.transparency.health import log_health, sentence
from vault.workshop import Workshop

# Time-stamps and tokens bear with little; NTP keeps machines within milliseconds.
CLOCK_SKEW_MAX = timedelta(seconds=2)
CONNECTIONS_WARN = 0.8  # of those that the database gives out
OTHERS_MAY = 0o077  # mode bits of a secret that anybody but its owner has


def examine(data: Path | None) -> tuple[Finding, ...]:
    """Looks at settings, engines, schema, role, keys, mode, sign-in, seals, grants, pages, stamps, log, room.

    A check that needs what another found missing is left out.
    """
    try:
        settings = find_settings(data)
    except VaultError as error:
        return (Finding("settings", Level.FAIL, error.detail),)
    findings = [Finding("settings", Level.OK, f"{settings.mode.value} mode, {settings.origin}.")]
    findings += _look("database", lambda: _database(settings))
    if _well(findings):
        findings += _look("schema", lambda: _schema(settings))
    rows_are_there = _well(findings)
    if rows_are_there:
        findings += _look("role", lambda: _role(settings))
    findings += _look("object store", lambda: _object_store(settings))
    findings += _look("keys", lambda: _keys(settings))
    if rows_are_there and findings[-1].level is not Level.FAIL:
        workshop = wire(settings).workshop
        findings += _look("rotation", lambda: _rotation(workshop))
        findings += _look("mode", lambda: _mode(settings))
        findings += _look("sign-in", lambda: _providers(settings))
        findings += _look("seals", lambda: seals_in_custody(workshop))
        findings += _look("seal use", lambda: grants_of_seals(workshop))
        findings += _look("pages", lambda: _pages(workshop))
        findings.append(trials_of_templates())
        findings.append(time_stamps(workshop))
        findings += _look("renewals", lambda: renewals_of_seals(workshop))
        findings += _look("log", lambda: _log(workshop))
        findings += _look("audit events", lambda: _audit_room(workshop))
        workshop.database.close()
    return tuple(findings)


def _look(check: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except VaultError as error:
        return [Finding(check, Level.FAIL, error.detail)]


def _well(findings: list[Finding]) -> bool:
    return all(finding.level is not Level.FAIL for finding in findings)


def _database(settings: Settings) -> Iterator[Finding]:
    database = database_of(settings)
    try:
        with database.reading(VAULT) as db:
            before = datetime.now(UTC)
            state = server_state(db)
            after = datetime.now(UTC)
    finally:
        database.close()
    share = state.connections / state.connections_max
    detail = f"PostgreSQL {state.version}, {state.connections} of {state.connections_max} connections in use."
    if share < CONNECTIONS_WARN:
        yield Finding("database", Level.OK, detail)
    else:
        yield Finding("database", Level.WARN, f"{detail} Raise max_connections or run fewer processes.")
    skew = max(before - state.now, state.now - after, timedelta(0))
    if skew <= CLOCK_SKEW_MAX:
        yield Finding("clock", Level.OK, "This machine and the database agree on the time.")
    else:
        sentence = (
            f"This machine and the database differ by {skew.total_seconds():.0f} s: set up NTP on both."
        )
        yield Finding("clock", Level.FAIL, sentence)


def _role(settings: Settings) -> Iterator[Finding]:
    state = check_service_role(settings)
    yield Finding("role", Level.WARN if state.too_much else Level.OK, role_sentence(state))


def _audit_room(workshop: Workshop) -> Iterator[Finding]:
    sentences = (f"{room_ahead(workshop)} parts are ready ahead of the newest.", *parts_out(workshop))
    yield Finding("audit events", Level.OK, " ".join(sentences))


def _schema(settings: Settings) -> Iterator[Finding]:
    there, wanted = migrations.current(settings.database_url.get_secret_value()), migrations.head()
    if there == wanted:
        yield Finding("schema", Level.OK, f"Revision {there}.")
    else:
        sentence = f"Expected revision {wanted}, got {there or 'none'}: run `certvault db upgrade`."
        yield Finding("schema", Level.FAIL, sentence)


def _object_store(settings: Settings) -> Iterator[Finding]:
    blobs = blobs_of(settings)
    blobs.ping()
    if blobs.locks():
        yield Finding("object store", Level.OK, "It answers; the documents bucket has object lock.")
    else:
        yield Finding(
            "object store",
            Level.FAIL,
            "The documents bucket has no object lock: documents could be deleted. Make a new bucket with "
            "object lock (`certvault db upgrade` does on a store without one) and copy the documents.",
        )


def _keys(settings: Settings) -> Iterator[Finding]:
    folder = SecretsFolder(settings.secrets)
    wire(settings).workshop.database.close()
    seals = sorted(folder.seals.glob("*")) if folder.seals.is_dir() else []
    token_keys = [key.path for key in read_token_keys(folder.path)]
    providers = [] if settings.providers is None else [settings.providers]
    statement_keys = statement_key_files(folder.statements)
    keys = [folder.key_ring, folder.log_key, *token_keys, *statement_keys, folder.passphrase]
    if not statement_keys:
        yield Finding("keys", Level.WARN, "QR codes state nothing offline: `certvault statement-key rotate`.")
    exposed = [path.name for path in (*keys, *seals, *providers) if path.stat().st_mode & OTHERS_MAY]
    if exposed:
        sentence = f"Other users may read {', '.join(exposed)}: chmod 600 what lies in {folder.path}."
        yield Finding("keys", Level.WARN, sentence)
    else:
        yield Finding("keys", Level.OK, "Key ring, log key, token key and trust file open; nobody else may.")


def _rotation(workshop: Workshop) -> Iterator[Finding]:
    with workshop.database.writing(VAULT) as db:  # raises where the key ring lacks a key in use
        state = current_state(db)
    versions = f"index key {state.index_version} and wrapping key {state.wrapping_version}"
    if state.rotating:
        sentence = f"A rotation to {versions} is not finished: run `certvault keys rotate`."
        yield Finding("rotation", Level.WARN, sentence)
    else:
        yield Finding("rotation", Level.OK, f"The key ring has {versions}, which are in use.")


def _providers(settings: Settings) -> Iterator[Finding]:
    if settings.providers is None:
        sentence = "No identity provider: nobody can sign in. Set CERTVAULT_PROVIDERS."
        yield Finding("sign-in", Level.WARN, sentence)
        return
    with new_http() as http:
        for provider in read_providers(settings.providers, settings.mode):
            RelyingParty(provider, settings.origin, http).directory.metadata(datetime.now(UTC))
            yield Finding("sign-in", Level.OK, f"{provider.key}: {provider.issuer} publishes what is needed.")


def _mode(settings: Settings) -> Iterator[Finding]:
    if settings.mode is Mode.DEVELOPMENT:
        sentence = "Development: plain http, seals of our own. Set CERTVAULT_MODE=production for real use."
        yield Finding("mode", Level.WARN, sentence)
    elif not settings.origin.startswith("https:"):
        yield Finding("mode", Level.WARN, "The public URL is plain http: put TLS in front of the vault.")
    else:
        yield Finding("mode", Level.OK, "Production, https.")


def _pages(workshop: Workshop) -> Iterator[Finding]:
    """Sets the example of one type of every template in force: fonts, templates and the compiler at once."""
    at = datetime.now(UTC)
    by_template = {kind.template: kind for kind in workshop.shelf.types(at).values()}
    for kind in by_template.values():
        workshop.typesetter.typeset(kind.template, _example_page(kind, at), at=at)
    yield Finding("pages", Level.OK, f"{len(by_template)} templates set their examples; fonts are there.")


def trials_of_templates() -> Finding:
    """Whether an edited template can be kept away from files: only then the console sets its page."""
    if landlock_version():
        return Finding("trials", Level.OK, "Edited templates are set apart, by Landlock.")
    sentence = (
        "The kernel offers no Landlock: the console sets no edited template. Run Linux 5.13 or newer with"
        " `landlock` among its security modules (lsm=), and let the container's seccomp profile allow it."
    )
    return Finding("trials", Level.WARN, sentence)


def _example_page(kind: CertificateType, at: datetime) -> dict[str, object]:
    example = kind.example
    return page_data(
        kind,
        number=example["number"],
        holders=[
            Holder.parse(h["code_type"], h["code"], h["name"], today=at.date()) for h in example["holders"]
        ],
        identifier="",
        verification_code="",
        authority_name=kind.authorities[0].name,
        issued_on=at.date(),
        valid_from=at.date(),
        valid_to=None,
        fields=example["fields"],
    )


def _log(workshop: Workshop) -> Iterator[Finding]:
    health = log_health(workshop, at=datetime.now(UTC))
    said = sentence(health)
    if said == "ok":
        counted = f"{health.size} leaves published, {health.waiting} wait; every promise is kept."
        yield Finding("log", Level.OK, counted)
    else:
        yield Finding("log", Level.FAIL, said)
