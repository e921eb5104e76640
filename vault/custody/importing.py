"""Bringing in a real seal: its key from a file or on a token, its certificate from a licensed authority."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from signing.key_files import certificate_end, key_from_pkcs8, key_from_pkcs12, organisation_named
from signing.keys import SealingKey, SignatureAlgorithm, load_file_key
from signing.seal import SealAppearance, seal_pdf
from signing.token_key import load_token_key, token_certificate
from signing.token_uri import parse_token_uri
from signing.typeset import seal_picture
from signing.validate import judge_pdf
from storage.history import AuditRow, insert_audit
from storage.seals import SealRow, all_seals, insert_seal, insert_seal_event
from vault.errors import Conflict, InputError, SignatureError, Unavailable
from vault.model.custody import Deed, SealAct
from vault.model.scope import VAULT
from vault.model.verdict import Indication
from vault.seal_ring import KEY_SUFFIX, PIN_SUFFIX, TOKEN_SUFFIX
from vault.workshop import Workshop

SEAL_ID_BYTES = 4  # distinguishes the seals of one authority; an operator reads it aloud
PRIVATE_FILE = 0o600
_TRIAL_DIAMETER_MM = 42.0
_TRIAL_PLACE_MM = (105.0, 148.0)


@dataclass(frozen=True, slots=True)
class BroughtKey:
    """A key as it was brought. `files`: what to keep in the key folder, by suffix."""

    key: SealingKey
    certificate_pem: bytes
    files: dict[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealLook:
    """Whose seal it is and how it looks. `serial`: its registered number of thirteen digits, if any."""

    authority: str
    authority_name: str
    centre: str | None
    serial: str | None


def from_pkcs12(
    content: bytes, password: str, passphrase: bytes, algorithm: SignatureAlgorithm | None
) -> BroughtKey:
    """Key, certificate and issuers of a PKCS#12 file.

    Raises:
        InputError: it cannot be opened, or the key is none that seals.
    """
    with as_input():
        key_pem, certificate_pem = key_from_pkcs12(content, password.encode(), passphrase)
        key = load_file_key(key_pem, passphrase, certificate_pem, algorithm=algorithm)
    return BroughtKey(key, certificate_pem, {KEY_SUFFIX: key_pem})


def from_pkcs8(
    key_pem: bytes,
    password: str,
    certificate_pem: bytes,
    passphrase: bytes,
    algorithm: SignatureAlgorithm | None,
) -> BroughtKey:
    """An encrypted PKCS#8 key with its certificate and issuers, PEM.

    Raises:
        InputError: it cannot be opened, is none that seals, or the certificate is another key's.
    """
    with as_input():
        kept = key_from_pkcs8(key_pem, password.encode(), passphrase)
        key = load_file_key(kept, passphrase, certificate_pem, algorithm=algorithm)
    return BroughtKey(key, certificate_pem, {KEY_SUFFIX: kept})


def from_token(
    uri_text: str, pin: str | None, certificate_pem: bytes | None, algorithm: SignatureAlgorithm | None
) -> BroughtKey:
    """A key that stays on its token. Its certificate: as given, else the one beside it on the token.

    `pin` None: the URI says in which file it is, and is kept so; else it is kept beside the URI.

    Raises:
        InputError: the URI, the PIN, the key or the certificate is not right.
        Unavailable: the token does not answer.
    """
    uri = parse_token_uri(uri_text)
    if pin is None:
        if uri.pin_file is None:
            raise InputError("The token's PIN is missing: neither given nor in the URI's pin-source.")
        try:
            pin = uri.pin_file.read_text().strip()
        except OSError as error:
            raise InputError(f"The PIN file is not readable: {error.strerror}.") from error
    with as_input():
        pem = certificate_pem or token_certificate(uri, pin)
        if pem is None:
            raise InputError("There is no certificate beside the key on its token: name a file with it.")
        key = load_token_key(uri, pin, pem, algorithm=algorithm)
    files = {TOKEN_SUFFIX: uri.text.encode()}
    if uri.pin_file is None:
        files[PIN_SUFFIX] = pin.encode()
    return BroughtKey(key, pem, files)


def import_seal(
    workshop: Workshop,
    folder: Path,
    brought: BroughtKey,
    look: SealLook,
    *,
    trial_page: bytes,
    by: Deed,
    purpose: str | None = None,
) -> SealRow:
    """Takes a seal into custody. It seals nothing before two custodians have granted something.

    `purpose`: as in `storage.seals.SealRow`; the platform's seal for usage copies is granted to nobody.

    1. The certificate is this authority's, as far as it says, and not here already. 2. Seal a page for trial
    and let the independent reader judge it: what cannot be trusted is told now, not by the first deposit.
    3. Write the key's files, for their owner only. 4. Keep row, event and audit; where that is refused, take
    the files away again. Where the database does not answer they stay: the row may be there, and a file
    without one is an encrypted key that nobody asks for.

    Raises:
        InputError: the certificate is another organisation's, or its seal does not stand up to the reader.
        Conflict: a seal with this certificate is here already.
        Unavailable: the time-stamp authority, the token or the database does not answer.
    """
    named = organisation_named(brought.certificate_pem)  # 1
    if named is not None and named != look.authority:
        raise InputError(f"The certificate is {named}'s: expected {look.authority}'s.")
    certificate = brought.certificate_pem.decode()
    with workshop.database.reading(VAULT) as db:
        if any(row.certificate_pem == certificate for row in all_seals(db)):
            raise Conflict("A seal with this certificate is here already.")
    picture = seal_picture(look.authority_name, centre=look.centre, serial=look.serial).operators
    _try_out(workshop, brought.key, picture, trial_page, by.at)  # 2
    seal_id = f"{look.authority}-{secrets.token_hex(SEAL_ID_BYTES)}"
    row = SealRow(
        seal_id=seal_id,
        authority=look.authority,
        authority_name=look.authority_name,
        algorithm=brought.key.algorithm.value,
        key_name=seal_id,
        certificate_pem=certificate,
        picture=picture,
        not_after=certificate_end(brought.certificate_pem),
        created_at=by.at,
        stopped_at=None,
        purpose=purpose,
    )
    keep_seal(workshop, folder, brought, row, by=by)  # 3, 4
    return row


def keep_seal(
    workshop: Workshop,
    folder: Path,
    brought: BroughtKey,
    row: SealRow,
    *,
    by: Deed,
    national: bytes | None = None,
) -> None:
    """Writes a seal's key files and its row: both, or none that anything is done with.

    `national`: the SESeal of a national seal.

    Raises:
        Unavailable: the database does not answer; the files stay, for the row may be there.
    """
    paths = {folder / (row.key_name + suffix): content for suffix, content in brought.files.items()}
    try:
        for path, content in paths.items():
            path.touch(mode=PRIVATE_FILE, exist_ok=False)
            path.write_bytes(content)
        with workshop.database.writing(VAULT) as db:
            insert_seal(db, row, national)
            insert_seal_event(db, row.seal_id, SealAct.IMPORT, by)
            insert_audit(db, [AuditRow(by.actor, "seal-import", None, None, {"seal": row.seal_id})], by.at)
    except Unavailable:
        raise
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def _try_out(workshop: Workshop, key: SealingKey, picture: bytes, page: bytes, at: datetime) -> None:
    x_mm, y_mm = _TRIAL_PLACE_MM
    sealed = seal_pdf(
        page,
        key=key,
        appearance=SealAppearance(picture, 1, x_mm, y_mm, _TRIAL_DIAMETER_MM, None),
        field_name="trial",
        reason="试用印",
        location="",
        at=at,
        tsa=workshop.tsa,
    )
    report = judge_pdf(sealed.content, trust=workshop.trust, at=at)[-1]
    if report.indication is not Indication.TOTAL_PASSED:
        failed = "; ".join(check.detail for check in report.checks if check.result != "passed")
        raise InputError(f"What this seal seals would not be trusted: {failed}")


@contextmanager
def as_input() -> Iterator[None]:
    """What is wrong with something that was brought in is wrong with the input."""
    try:
        yield
    except SignatureError as error:
        raise InputError(error.detail) from error
