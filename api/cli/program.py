"""The program `certvault`: its commands, and the one place where an error becomes an exit code."""

import sys

import typer

from api.cli import (
    audit_commands,
    backup_noted_command,
    bench,
    catalogue_commands,
    client_commands,
    directory_command,
    history_commands,
    holder_commands,
    import_command,
    keys_commands,
    log_commands,
    national_seal_commands,
    reconcile_command,
    renewals_command,
    run_commands,
    seal_commands,
    seal_list_commands,
    statement_key_command,
    stats_command,
    upkeep_commands,
    verify_command,
    webhook_commands,
)
from api.cli.frame import exit_of, say_error
from vault.errors import VaultError

# 128 and the signal's number, as shells have it.
INTERRUPTED = 130

program = typer.Typer(
    name="certvault",
    help="A vault for electronic certificates 电子证照库: deposited, sealed, stored, indexed, verified.",
    epilog="Start here: certvault demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (
    run_commands,
    upkeep_commands,
    backup_noted_command,
    reconcile_command,
    renewals_command,
    catalogue_commands,
    directory_command,
    stats_command,
    client_commands,
    seal_commands,
    seal_list_commands,
    national_seal_commands,
    keys_commands,
    statement_key_command,
    holder_commands,
    import_command,
    webhook_commands,
    verify_command,
    log_commands,
    audit_commands,
    history_commands,
    bench,
):
    commands.register(program)


def main() -> None:
    """Runs the command line. 0: well. 1: found problems. 2: used wrongly. 3: an engine does not answer."""
    try:
        program()
    except VaultError as error:
        say_error(error)
        sys.exit(exit_of(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(0)  # the reader had enough
