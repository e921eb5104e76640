"""`verify FILE`: judge a sealed file here, and ask a vault about it; or a QR code with no network."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.evidence import ZIP, verify_evidence
from api.cli.frame import (
    AsJson,
    Data,
    Exit,
    console,
    find_settings,
    names_file,
    print_json,
    printable,
    read_file,
)
from api.cli.offline import verify_offline
from vault.errors import InputError, Unavailable
from vault.model.evidence import is_ofd

if TYPE_CHECKING:
    from vault.model.verdict import SealReport

# A vault that judges a large file by its seals takes well under a second.
TIMEOUT_S = 30.0
# A QR code's text, given for a file's name, is not printed whole.
NAME_SHOWN_MAX = 200  # characters


def verify(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TEXT",
            help="A sealed PDF or OFD, or a zip of evidence; with --offline a QR's text or picture.",
        ),
    ],
    *,
    trust: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="PEM: roots that the seals must lead to, for an OFD by SM2; a vault's own if left out. "
            "With --offline: the vault's trust list, from GET /v1/statement-keys.",
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A vault to ask, too, such as https://zz.example.cn.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Check what a QR code states, with no network at all.")
    ] = False,
    document: Annotated[
        Path | None, typer.Option(metavar="PDF", help="With --offline: is this the file that is stated?")
    ] = None,
    log_key: Annotated[
        Path | None,
        typer.Option(metavar="VKEY", help="For evidence, and with --offline: the log's key."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Judge a file's seals on this machine; with --url ask a vault, too. 0 only if all that is well."""
    if offline:
        if trust is None or url is not None:
            raise InputError("Expected --trust with the vault's trust list beside --offline, and no --url.")
        verify_offline(what, trust=trust, document=document, log_key=log_key, as_json=as_json)
        return
    if document is not None:
        raise InputError("--document goes with --offline.")
    if not names_file(what):
        raise InputError(f"There is no file {what[:NAME_SHOWN_MAX]}; a QR code's text goes with --offline.")
    content = read_file(Path(what))
    if content.startswith(ZIP) and not is_ofd(content):
        if url is not None:
            raise InputError("--url goes with a sealed file; evidence is judged without the vault.")
        verify_evidence(content, trust=trust, log_key=log_key, as_json=as_json)
        return
    if log_key is not None:
        raise InputError("--log-key goes with --offline, or with the zip of a certificate's evidence.")
    _verify_file(content, trust=trust, url=url, data=data, as_json=as_json)


def _verify_file(
    content: bytes, *, trust: Path | None, url: str | None, data: Path | None, as_json: bool
) -> None:
    from signing.confined import Judges
    from signing.trust import certificates_der
    from signing.validate import Trust
    from vault.model.verdict import Indication

    believed = [trust] if trust is not None else find_settings(data).trust_files
    roots = tuple(root for file in believed for root in certificates_der(read_file(file)))
    with Judges(standing=1) as judges:  # a stranger's file, here as in the service
        reports = judges.examine(content, trust=Trust(roots), at=datetime.now(UTC)).seals
    report = None if url is None else _ask(url, content)
    if as_json:
        print_json({"seals": [_seal_json(each) for each in reports], "vault": report})
    else:
        out = console()
        for n, each in enumerate(reports, start=1):
            sub = f" ({each.sub_indication})" if each.sub_indication else ""
            signer = printable(str(each.signer))
            out.print(f"{each.kind.value} {n}: {each.indication.value}{sub}, {signer}", markup=False)
            for check in each.checks:
                out.print(
                    f"  {check.result.value:<8} {check.name:<20} {check.detail}", markup=False, soft_wrap=True
                )
        if not reports:
            out.print("The file bears no seal.")
        if report is not None:
            out.print(f"vault: {report['verdict']}")
            for said in report["checks"]:
                out.print(f"  {said['result']:<8} {said['name']:<20} {said['detail']}", markup=False)
    sealed = bool(reports) and all(each.indication is Indication.TOTAL_PASSED for each in reports)
    if not sealed or (report is not None and report["verdict"] != "genuine"):
        raise typer.Exit(Exit.PROBLEMS)


def _seal_json(report: "SealReport") -> dict[str, Any]:
    return {
        "indication": report.indication.value,
        "sub_indication": report.sub_indication,
        "kind": report.kind.value,
        "signer": report.signer,
        "certificate_sha256": report.certificate_sha256,
        "sealed_at": None if report.sealed_at is None else report.sealed_at.isoformat(),
        "proven_at": None if report.proven_at is None else report.proven_at.isoformat(),
        "checks": [{"name": c.name, "result": c.result.value, "detail": c.detail} for c in report.checks],
    }


def _ask(url: str, content: bytes) -> dict[str, Any]:
    import httpx

    address = url.rstrip("/") + "/v1/verifications"
    try:
        headers = {"Content-Type": "application/ofd" if content.startswith(ZIP) else "application/pdf"}
        answer = httpx.post(address, content=content, headers=headers, timeout=TIMEOUT_S).raise_for_status()
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(f"{address} does not answer as a vault: {type(error).__name__}.") from error
    return found


def register(program: typer.Typer) -> None:
    """Adds this command."""
    program.command(epilog="Example: certvault verify licence.pdf --trust roots.pem, or licence.ofd")(verify)
