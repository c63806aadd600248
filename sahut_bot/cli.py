"""The command line. Exit codes: 0 fine, 1 the thing asked for failed, 2 wrong use or wrong configuration."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sahut_bot import __version__, cli_store, doctor, logs
from sahut_bot import manifest as manifests
from sahut_bot.app import App, Role
from sahut_bot.errors import Busy, ConfigError
from sahut_bot.settings import Settings, load

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="A customer inbox in Slack and Discord.")
outbox_cli = typer.Typer(no_args_is_help=True, help="What waits, failed or may not have been sent.")
events_cli = typer.Typer(no_args_is_help=True, help="What came in and could not be understood.")
cli.add_typer(outbox_cli, name="outbox")
cli.add_typer(events_cli, name="events")
# Who reads it through a pipe wants whole lines.
out = Console(width=None if sys.stdout.isatty() else 250)


class TeamChatKind(StrEnum):
    SLACK = "slack"


class ChannelKind(StrEnum):
    LIVECHAT = "livechat"


class RowState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    DONE = "done"


class ManifestKind(StrEnum):
    SLACK = "slack"


def main() -> NoReturn:
    """Runs the command line; wrong use and a wrong configuration are one line on stderr and never a traceback."""
    logs.setup("critical", "console")  # until a command that logs says otherwise: what it prints is for people
    try:
        code = cli(standalone_mode=False)
    except typer.TyperException as error:
        _complain(error)
        sys.exit(error.exit_code)
    except ConfigError as error:
        print(str(error), file=sys.stderr)
        sys.exit(2)
    except cli_store.Refused as error:
        print(str(error), file=sys.stderr)
        sys.exit(1)
    except Busy as error:
        print(f"The database cannot be used now: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    sys.exit(code or 0)


def _complain(error: typer.TyperException) -> None:
    """Nothing where typer has shown the help already."""
    said = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    if said:
        print(f"{said} See: {context.command_path if context else 'sahut-bot'} --help", file=sys.stderr)


@cli.command()
def version() -> None:
    """Prints the version."""
    out.print(__version__)


@cli.command()
def run(
    role: Annotated[Role, typer.Option(help="The part that runs here: web, worker, gateway, or all of it.")] = Role.ALL,
) -> None:
    """Runs the service, from the environment, .env and sahut.toml."""
    settings = load()
    settings.require_run()
    if role is not Role.ALL and not settings.database_url.startswith("postgresql"):
        raise ConfigError("--role needs PostgreSQL: set SAHUT_DATABASE_URL=postgresql+asyncpg://…, or leave --role out")
    logs.setup(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        broken = runner.run(_serve(settings, role))
    if broken:
        raise typer.Exit(1)


async def _serve(settings: Settings, role: Role) -> bool:
    """Until it is told to stop, or a part of it dies, which the answer tells."""
    app = App(settings, role)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await app.start()
    assert app.broken is not None
    waiting = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait((waiting, app.broken), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await app.stop()
    return app.broken.done() and app.broken.exception() is not None


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="Where the page is served; 0 takes a free port.")] = 8080,
    script: Annotated[bool, typer.Option("--script", help="Plays one conversation, prints it, and ends.")] = False,
    teamchat: TeamChatKind = TeamChatKind.SLACK,
    channel: ChannelKind = ChannelKind.LIVECHAT,
    data_dir: Annotated[Path | None, typer.Option(help="Keeps database and files here; else nothing is kept.")] = None,
) -> None:
    """The sandbox and the bot in one process, without any account."""
    from sahut_bot.sandbox import demo as sandbox  # only the demo needs the stand-ins

    logs.setup("warning", "console")
    raise typer.Exit(asyncio.run(sandbox.run_demo(port=port, script=script, data_dir=data_dir)))


@cli.command("doctor")
def doctor_() -> None:
    """Checks settings, database, tokens, scopes, the public URL and the clock, and says how to mend what fails."""
    settings = load()
    findings = asyncio.run(doctor.examine(settings))
    for finding in findings:
        mark = "[green]ok  [/]" if finding.ok else "[red]FAIL[/]"
        out.print(f"{mark} {escape(finding.name)}: {escape(finding.message)}", highlight=False, soft_wrap=True)
        if not finding.ok and finding.fix:
            out.print(f"     → {escape(finding.fix)}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@cli.command()
def migrate() -> None:
    """Brings the database up to date; `run` does so too."""
    settings = load()
    cli_store.migrate(settings)
    out.print("The database is up to date.")


@cli.command()
def manifest(
    kind: ManifestKind,
    http: Annotated[bool, typer.Option("--http", help="For signed HTTP instead of Socket Mode.")] = False,
) -> None:
    """Prints the Slack app manifest: exactly the permissions, events and commands that the code uses."""
    settings = load()
    socket_mode = not http and (settings.slack.socket_mode or settings.slack.signing_secret is None)
    print(manifests.render(manifests.slack(settings.public_url, socket_mode)))


# ---------------------------------------------------------------- outbox and events


@outbox_cli.command("list")
def outbox_list(
    state: Annotated[RowState | None, typer.Option(help="Only rows in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
) -> None:
    """Lists rows that wait or need somebody."""
    rows = cli_store.outbox(load(), state, limit)
    table = Table("id", "state", "what", "conversation", "due", "tries", "error")
    for row in rows:
        number = f"#{row.conversation_id}" if row.conversation_id else ""
        table.add_row(str(row.id), row.state, row.kind, number, _time(row.run_at), str(row.attempts), escape(row.error))
    out.print(table if rows else "Nothing waits, nothing failed.")


@outbox_cli.command("retry")
def outbox_retry(row: int) -> None:
    """Does a failed or uncertain row again, behind what waits in its lane."""
    if not cli_store.retry(load(), row):
        _fail(f"Row {row} is neither failed nor uncertain. See: sahut-bot outbox list")
    out.print(f"Row {row} is queued again.")


@outbox_cli.command("drop")
def outbox_drop(row: int) -> None:
    """Gives a row up for good."""
    if not cli_store.drop(load(), row):
        _fail(f"Row {row} cannot be dropped: it is being sent, done, or there is none. See: sahut-bot outbox list")
    out.print(f"Row {row} is dropped.")


@events_cli.command("list")
def events_list(limit: Annotated[int, typer.Option(min=1)] = 50) -> None:
    """Lists what could not be understood."""
    rows = cli_store.events(load(), limit)
    table = Table("id", "from", "when", "bytes", "why")
    for row in rows:
        table.add_row(str(row.id), row.source, _time(row.at), str(row.size), escape(row.error))
    out.print(table if rows else "Everything was understood.")


@events_cli.command("replay")
def events_replay(event: int) -> None:
    """Reads an event again, after a fix."""
    problem = asyncio.run(cli_store.replay(load(), event))
    if problem:
        _fail(problem)
    out.print(f"Event {event} was understood.")


def _fail(problem: str) -> NoReturn:
    print(problem, file=sys.stderr)
    raise typer.Exit(1)


def _time(at: float) -> str:
    return "when released" if at > 3e10 else datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
