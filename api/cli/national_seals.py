"""What `seal new` and `seal import` do for national seals."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.frame import read_file
from api.cli.whoami import deed_at_terminal, read_secret
from vault.errors import InputError

if TYPE_CHECKING:
    from api.settings import Settings
    from storage.seals import SealRow
    from vault.custody import BroughtKey
    from vault.workshop import Workshop


class PictureChoice(StrEnum):
    """How a national seal carries its picture, as `vault.seal_making` names it."""

    OFD = "ofd"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class NationalNew:
    """What `seal new` was told: the maker's key and the signer's, or neither of them (development)."""

    authority: str
    centre: str | None
    serial: str | None
    picture: PictureChoice
    maker_key: Path | None
    maker_certificate: Path | None
    maker_password_file: Path | None
    key: Path | None
    certificate: Path | None
    password_file: Path | None

    def check(self, *, national: bool) -> None:
        """Returns where all of the four files are given, or none, and only for a national seal.

        Raises:
            InputError: some are missing, or they are for no national seal.
        """
        given = [
            file is not None for file in (self.maker_key, self.maker_certificate, self.key, self.certificate)
        ]
        if any(given) and not national:
            raise InputError("Keys are for --national; another real seal is imported: certvault seal import.")
        if any(given) and not all(given):
            raise InputError(
                "To make a seal takes --maker-key, --maker-certificate, --key and --certificate: the seal"
                " maker's key and chain, and the signer's."
            )


def new_national_seal(
    workshop: "Workshop", settings: "Settings", asked: NationalNew, name: str, *, at: datetime
) -> "SealRow":
    """A national seal by the maker whose key was given; in development mode by the vault's own.

    Raises:
        InputError: production, and no maker's key; or as `make_and_import_national_seal`.
        Conflict, Unavailable: as `make_and_import_national_seal`.
    """
    from api.edge import Mode
    from vault.custody import NationalLook, from_sm2, make_and_import_national_seal, open_maker
    from vault.founding import SecretsFolder, make_development_national_seal
    from vault.seal_making import PictureKind

    secrets, picture = SecretsFolder(settings.secrets), PictureKind(asked.picture.value)
    if (
        asked.maker_key is None
        or asked.maker_certificate is None
        or asked.key is None
        or asked.certificate is None
    ):
        if settings.mode is not Mode.DEVELOPMENT:
            raise InputError(
                "In production a national seal is made by a licensed seal maker: give --maker-key,"
                " --maker-certificate, --key and --certificate, or import a finished one (seal import --esl)."
            )
        return make_development_national_seal(
            workshop.database,
            secrets,
            authority=asked.authority,
            authority_name=name,
            centre=asked.centre,
            serial=asked.serial,
            picture=picture,
            at=at,
        )
    brought = from_sm2(
        read_file(asked.key),
        read_secret("Password of the signer's key", asked.password_file),
        read_file(asked.certificate),
        secrets.passphrase.read_bytes(),
    )
    maker = open_maker(
        read_file(asked.maker_key),
        read_secret("Password of the seal maker's key", asked.maker_password_file),
        read_file(asked.maker_certificate),
    )
    look = NationalLook(asked.authority, name, asked.centre, asked.serial, picture)
    return make_and_import_national_seal(
        workshop, secrets.seals, brought, maker, look, by=deed_at_terminal(at)
    )


def brought_sm2(
    key: Path, certificate: Path | None, password_file: Path | None, passphrase: bytes
) -> "BroughtKey":
    """A signer's encrypted key and its chain, from files.

    Raises:
        InputError: no certificate is named, or they do not fit.
        NotFound: a file is not there.
    """
    from vault.custody import from_sm2

    if certificate is None:
        raise InputError("A key file without a certificate: name one with --certificate.")
    password = read_secret("Password of the key file", password_file)
    return from_sm2(read_file(key), password, read_file(certificate), passphrase)


def import_national(
    workshop: "Workshop",
    folder: Path,
    brought: "BroughtKey",
    authority: str,
    name: str,
    *,
    esl: Path | None,
    platform: str | None,
    at: datetime,
) -> "SealRow":
    """A national seal from its `.esl`, or the key that closes OFDs where `platform` names who runs the vault.

    Raises:
        InputError: neither is asked for, both are, or as the import.
        Conflict, Unavailable: as the import.
    """
    from vault.custody import import_closing_key, import_national_seal

    if (esl is None) == (platform is None):
        raise InputError("Expected --esl FILE.esl, or --platform NAME for the key that closes OFDs.")
    by = deed_at_terminal(at)
    if esl is None:
        return import_closing_key(workshop, folder, brought, authority=authority, authority_name=name, by=by)
    return import_national_seal(
        workshop, folder, brought, read_file(esl), authority=authority, authority_name=name, by=by
    )
