"""`verify FILE`: judge a sealed file here, and ask a vault about it."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.frame import AsJson, Data, Exit, console, find_settings, print_json, read_file
from vault.errors import Unavailable

if TYPE_CHECKING:
    from vault.model.verdict import SealReport

# A vault that judges a large file by its seals takes well under a second.
TIMEOUT_S = 30.0


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A sealed PDF.", exists=True, dir_okay=False)],
    *,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="PEM", help="Roots that the seals must lead to; a vault's own if left out."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A vault to ask, too, such as https://zz.example.cn.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Judge a file's seals on this machine; with --url ask a vault, too. 0 only if all that is well."""
    from signing.confined import Judges
    from signing.trust import certificates_der
    from signing.validate import Trust
    from vault.model.verdict import Indication

    content = read_file(file)
    roots = certificates_der(read_file(trust or find_settings(data).trust))
    with Judges(standing=1) as judges:  # a stranger's file, here as in the service
        reports = judges.examine(content, trust=Trust(roots), at=datetime.now(UTC)).seals
    report = None if url is None else _ask(url, content)
    if as_json:
        print_json({"seals": [_seal_json(each) for each in reports], "vault": report})
    else:
        out = console()
        for n, each in enumerate(reports, start=1):
            sub = f" ({each.sub_indication})" if each.sub_indication else ""
            out.print(f"seal {n}: {each.indication.value}{sub}, {each.signer}", markup=False)
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
        headers = {"Content-Type": "application/pdf"}
        answer = httpx.post(address, content=content, headers=headers, timeout=TIMEOUT_S).raise_for_status()
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(f"{address} does not answer as a vault: {type(error).__name__}.") from error
    return found


def register(program: typer.Typer) -> None:
    """Adds this command."""
    program.command(epilog="Example: certvault verify licence.pdf --trust roots.pem")(verify)
