"""`seal new|platform|import|stop`: the seals that an operator looks after. Lists: `seal_list_commands`.

What they do for national seals stands in `national_seals`.
"""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, console, find_settings, open_workshop, print_json, read_file
from api.cli.national_seals import NationalNew, PictureChoice, brought_sm2, import_national, new_national_seal
from api.cli.whoami import PasswordFile, deed_at_terminal, read_secret, via_terminal
from vault.errors import InputError

if TYPE_CHECKING:
    from signing.keys import SignatureAlgorithm
    from storage.seals import SealRow
    from vault.custody import BroughtKey
    from vault.workshop import Workshop

seal = typer.Typer(help="Seals of the authorities, and who may use them.", no_args_is_help=True)

SealId = Annotated[str, typer.Argument(metavar="ID", help="As `certvault seal list` shows it.")]
Uscc = Annotated[str, typer.Argument(metavar="USCC", help="The authority's social credit code.")]
Serial = Annotated[str | None, typer.Option(help="Its registered number of thirteen digits.")]
Attestation = Annotated[
    bool, typer.Option("--attestation", help="For digital copies (数字化副本), never for the originals.")
]
National = Annotated[bool, typer.Option("--national", help="A national one: SM2, for OFDs.")]
Certificate = Annotated[
    Path | None,
    typer.Option(help="Certificate and its issuers, PEM; for a .pem key, and where the token has none."),
]
Centre = Annotated[str | None, typer.Option(help="Text under the star, such as 证照专用章.")]


class SealAlgorithm(StrEnum):
    """How a seal signs, as `signing.keys` names it; written out so that --help needs no cryptography."""

    ECDSA_P256 = "ecdsa-p256-sha256"
    RSA_PKCS1 = "rsa-pkcs1-sha256"
    RSA_PSS = "rsa-pss-sha256"


def seal_new(
    authority: Uscc,
    *,
    algorithm: Annotated[
        SealAlgorithm, typer.Option(help="How it signs. PSS: not every reader takes it.")
    ] = SealAlgorithm.ECDSA_P256,
    centre: Centre = None,
    attestation: Attestation = False,
    national: National = False,
    picture: Annotated[PictureChoice, typer.Option(help="Of a national seal.")] = PictureChoice.OFD,
    serial: Serial = None,
    maker_key: Annotated[
        Path | None, typer.Option(help="National: the seal maker's (制章人) encrypted key, PEM.")
    ] = None,
    maker_certificate: Annotated[
        Path | None, typer.Option(help="National: the seal maker's certificate and issuers, PEM.")
    ] = None,
    maker_password_file: PasswordFile = None,
    key: Annotated[
        Path | None, typer.Option(help="National: the signer's encrypted key, PEM; with a maker's.")
    ] = None,
    certificate: Certificate = None,
    password_file: PasswordFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a seal for an authority of the catalogue. It seals what is granted on it.

    Without a maker's key it is a development seal, by the vault's own authority.
    """
    from signing.keys import SignatureAlgorithm
    from storage.seals import ATTESTATION
    from vault.founding import ATTESTATION_SEAL_LINE, SecretsFolder, make_development_seal

    if attestation and national:
        raise InputError("Digital copies are PDFs: a national seal seals OFDs.")
    at = datetime.now(UTC)
    asked = NationalNew(
        authority,
        centre,
        serial,
        picture,
        maker_key,
        maker_certificate,
        maker_password_file,
        key,
        certificate,
        password_file,
    )
    asked.check(national=national)
    with open_workshop(data) as workshop:
        if national:
            name = _name_of(workshop, authority, at)
            _print_seal(new_national_seal(workshop, find_settings(data), asked, name, at=at), as_json=as_json)
            return
        row = make_development_seal(
            workshop.database,
            SecretsFolder(find_settings(data).secrets),
            authority=authority,
            authority_name=_name_of(workshop, authority, at),
            algorithm=SignatureAlgorithm(algorithm.value),
            centre=ATTESTATION_SEAL_LINE if attestation and centre is None else centre,
            at=at,
            purpose=ATTESTATION if attestation else None,
        )
    _print_seal(row, as_json=as_json)


def seal_platform(
    uscc: Annotated[str, typer.Argument(metavar="USCC", help="Social credit code of who runs the vault.")],
    *,
    name: Annotated[str, typer.Option(help="Its name, as it stands on the seal.")],
    national: National = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a development seal for usage copies (平台章); from now on the newest one is used.

    With --national: the key that closes OFDs.
    """
    from vault.catalogue import CityAuthority
    from vault.founding import (
        SecretsFolder,
        make_development_closing_key,
        make_development_platform_seal,
    )
    from vault.model.credit_code import SocialCreditCode

    operator = CityAuthority("operator", SocialCreditCode.parse(uscc).value, name, "")
    with open_workshop(data) as workshop:
        make = make_development_closing_key if national else make_development_platform_seal
        row = make(
            workshop.database, SecretsFolder(find_settings(data).secrets), operator, at=datetime.now(UTC)
        )
    _print_seal(row, as_json=as_json)


def seal_import(
    source: Annotated[
        str,
        typer.Argument(help="A .p12 or .pfx file, an encrypted PKCS#8 .pem, or a PKCS#11 URI (RFC 7512)."),
    ],
    *,
    authority: Annotated[str, typer.Option(metavar="USCC", help="Whose seal it is.")],
    certificate: Certificate = None,
    esl: Annotated[
        Path | None, typer.Option(metavar="FILE.esl", help="A national seal as its maker signed it.")
    ] = None,
    national: National = False,
    password_file: PasswordFile = None,
    algorithm: Annotated[SealAlgorithm | None, typer.Option(help="How it signs, if not as usual.")] = None,
    centre: Centre = None,
    serial: Serial = None,
    attestation: Attestation = False,
    platform: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For usage copies (平台章): who runs the vault."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Take a real seal into custody. Password or PIN are asked for, or read from a file; never given here.

    With --esl a national seal (GB/T 38540) and its signer's key; with --national --platform the key that
    closes OFDs.
    """
    from api.cli.sample_document import plain_pdf
    from signing.keys import SignatureAlgorithm
    from storage.seals import ATTESTATION, USAGE_COPY
    from vault.custody import SealLook, import_seal
    from vault.founding import SecretsFolder

    if attestation and (esl is not None or national or platform is not None):
        raise InputError("A seal for digital copies is neither a national one nor the platform's.")
    secrets = SecretsFolder(find_settings(data).secrets)
    at = datetime.now(UTC)
    if esl is not None or national:
        brought = brought_sm2(Path(source), certificate, password_file, secrets.passphrase.read_bytes())
        with open_workshop(data) as workshop:
            name = platform or _name_of(workshop, authority, at)
            row = import_national(
                workshop, secrets.seals, brought, authority, name, esl=esl, platform=platform, at=at
            )
        _print_imported(row, as_json=as_json)
        return
    wanted = None if algorithm is None else SignatureAlgorithm(algorithm.value)
    brought = _brought(source, certificate, password_file, secrets.passphrase.read_bytes(), wanted)
    with open_workshop(data) as workshop:
        row = import_seal(
            workshop,
            secrets.seals,
            brought,
            SealLook(authority, platform or _name_of(workshop, authority, at), centre, serial),
            purpose=ATTESTATION if attestation else None if platform is None else USAGE_COPY,
            trial_page=plain_pdf("试用印", ["This page is sealed for trial and not kept."]),
            by=deed_at_terminal(at),
        )
    _print_imported(row, as_json=as_json)


def seal_stop(
    seal_id: SealId,
    *,
    reason: Annotated[str, typer.Option(help="Kept for ever.")] = "stopped at the terminal, no reason given",
    data: Data = None,
) -> None:
    """Take a seal out of use everywhere, at once. Two custodians take it into use again, signed in."""
    from vault.custody import stop

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        done = stop(workshop, seal_id, deed_at_terminal(at), reason, via=via_terminal(), at=at)
    told = "was stopped before" if done.repeated else "is stopped"
    console().print(f"Seal {seal_id} {told}.", markup=False)
    if not done.waited_out:
        console().print(
            "A deposit that had used it hung at its commit: one certificate may still come. Look at"
            " `certvault seal list` and the newest certificates."
        )


def _print_seal(row: "SealRow", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {"seal_id": row.seal_id, "authority": row.authority, "not_after": row.not_after.isoformat()}
        )
    else:
        console().print(
            f"Seal {row.seal_id} of {row.authority_name}, until {row.not_after:%Y-%m-%d}.", markup=False
        )


def _print_imported(row: "SealRow", *, as_json: bool) -> None:
    _print_seal(row, as_json=as_json)
    told = {
        "usage-copy": "From now on usage copies bear it.",
        "national-closing": "From now on OFDs close by it.",
    }
    granted = "Before it seals, two seal custodians sign in and make and approve grants: docs/seals.md."
    if not as_json:
        console().print(told.get(row.purpose or "", granted))


def _brought(
    source: str,
    certificate: Path | None,
    password_file: Path | None,
    passphrase: bytes,
    algorithm: "SignatureAlgorithm | None",
) -> "BroughtKey":
    from signing.token_uri import SCHEME, parse_token_uri
    from vault.custody import from_pkcs8, from_pkcs12, from_token

    certificate_pem = None if certificate is None else read_file(certificate)
    if source.startswith(SCHEME):
        known = parse_token_uri(source).pin_file is not None and password_file is None
        pin = None if known else read_secret("The token's PIN", password_file)
        return from_token(source, pin, certificate_pem, algorithm)
    content = read_file(Path(source))
    if content.startswith(b"-----BEGIN"):
        if certificate_pem is None:
            raise InputError("A key file without a certificate: name one with --certificate.")
        password = read_secret("Password of the key file", password_file)
        return from_pkcs8(content, password, certificate_pem, passphrase, algorithm)
    return from_pkcs12(
        content, read_secret("Password of the PKCS#12 file", password_file), passphrase, algorithm
    )


def _name_of(workshop: "Workshop", authority: str, at: datetime) -> str:
    names = {a.code: a.name for kind in workshop.shelf.types(at).values() for a in kind.authorities}
    if authority not in names:
        raise InputError(f"No certificate type names an authority {authority}: apply the catalogue first.")
    return names[authority]


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    new_example = "Example: certvault seal new 11990100MB9900101F --centre 证照专用章 --national"
    seal.command("new", epilog=new_example)(seal_new)
    seal.command(
        "platform", epilog="Example: certvault seal platform 12990100MB9900179C --name 样例市大数据中心"
    )(seal_platform)
    uri = "'pkcs11:token=seals;object=hygiene?module-path=/usr/lib/softhsm/libsofthsm2.so'"
    example = f"Example: certvault seal import seal.p12 --authority 11990100MB9900101F; or, on a token: {uri}"
    seal.command("import", epilog=example)(seal_import)
    stop_example = "Example: certvault seal stop 11990100MB9900101F-3fa29c01 --reason 密钥疑似泄露"
    seal.command("stop", epilog=stop_example)(seal_stop)
    program.add_typer(seal, name="seal")
