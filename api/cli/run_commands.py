"""`up`, `demo`, `serve`, `worker`: the commands that keep running."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import Exit, console, default_data

if TYPE_CHECKING:
    from rich.console import Console

    from api.local_vault import LocalVault

LOOPBACK = "127.0.0.1"
SERVE_PORT = 8000

NewData = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Data folder; made if it is not there.", file_okay=False),
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
NearPort = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="Preferred port; a busy one is no failure.", show_default="the last run's"
    ),
]
Processes = Annotated[
    int | None, typer.Option(min=1, max=64, help="Server processes.", show_default="one for each core")
]
ExitAfter = Annotated[bool, typer.Option("--exit", help="Stop by itself, with a status, instead of serving.")]


def up(
    *,
    data: NewData = None,
    host: Host = LOOPBACK,
    port: NearPort = None,
    processes: Processes = None,
    exit_after: ExitAfter = False,
) -> None:
    """Start a whole vault on this machine (engines, keys, catalogue, seals, people) and serve."""
    from api.local_vault import local_vault
    from api.supervise import stopped_by_signals

    out = console()
    with stopped_by_signals():
        folder = data or default_data()
        with local_vault(
            folder, host=host, port=port, processes=processes, tell=lambda line: out.print(f"  {line}")
        ) as vault:
            from api.cli.show import show_up

            show_up(out, vault)
            if not exit_after:
                _serve_until_stopped(out, vault)


def demo(
    *,
    data: NewData = None,
    host: Host = LOOPBACK,
    port: NearPort = None,
    processes: Processes = None,
    exit_after: ExitAfter = False,
) -> None:
    """Start a vault as `up` does, walk through the main job with an invented city, and serve."""
    from api.cli.show import show_demo, show_step, show_up
    from api.cli.walk import walk
    from api.local_vault import local_vault
    from api.sample_city import write_demo_file
    from api.supervise import stopped_by_signals

    out = console()
    with stopped_by_signals():
        folder = data or default_data()
        with local_vault(
            folder, host=host, port=port, processes=processes, tell=lambda line: out.print(f"  {line}")
        ) as vault:
            show_up(out, vault)
            walked = walk(vault.base_url, vault.city, heard=lambda step: show_step(out, step))
            write_demo_file(
                vault.data,
                vault.city,
                base_url=vault.base_url,
                trust=vault.settings.trust,
                national_trust=vault.settings.national_trust,
                new_certificates=walked.certificates,
            )
            show_demo(out, vault, walked)
            if not exit_after:
                _serve_until_stopped(out, vault)
    if walked.failed:
        raise typer.Exit(Exit.PROBLEMS)


def _serve_until_stopped(out: "Console", vault: "LocalVault") -> None:
    out.print("\n[bold]服务中 Serving.[/bold] Ctrl-C ends it.")
    try:
        vault.supervisor.watch()
    except KeyboardInterrupt:
        out.print("正在停止 Stopping …")


def serve(
    *,
    host: Host = LOOPBACK,
    port: Annotated[int, typer.Option(min=1, max=65535)] = SERVE_PORT,
    processes: Processes = None,
) -> None:
    """Serve HTTP with the settings of the CERTVAULT_* variables: processes on one socket, until SIGTERM."""
    import sys

    from api.edge import Mode
    from api.local_vault import cores
    from api.service_role import check_service_role
    from api.settings import child_environment, read_settings
    from api.supervise import Supervisor, listen, server_plans, stopped_by_signals
    from api.wiring import wire

    def tell(line: str) -> None:
        print(f"certvault: {line}", file=sys.stderr)  # noqa: T201 - beside the children's log lines

    with stopped_by_signals():
        settings = read_settings()
        wire(settings)  # a missing key is told here, once, and not by every child again and again
        if settings.mode is Mode.PRODUCTION:
            check_service_role(settings)
        with listen(host, port) as listening:
            plans = server_plans(listening, processes or cores())
            with Supervisor(plans, child_environment(settings), None, tell) as supervisor:
                tell(f"Serving {settings.origin} on {host}, port {port}, with {len(plans)} processes.")
                try:
                    supervisor.watch()
                except KeyboardInterrupt:
                    tell("Stopping.")


def worker() -> None:
    """Run the jobs in the database (second looks at stored objects, webhooks), until SIGTERM."""
    from api.settings import read_settings
    from api.worker import work

    work(read_settings())


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    program.command(epilog="Example: certvault up --data ~/vault")(up)
    program.command(epilog="Example: certvault demo --data /tmp/vault --exit")(demo)
    program.command(epilog="Example: certvault serve --host 0.0.0.0 --port 8000 --processes 8")(serve)
    program.command(epilog="Example: certvault worker")(worker)
