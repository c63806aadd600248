"""`sahut-bot demo`: the real program, the real Slack libraries, a Slack stand-in and one web page, in one process."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from sahut_bot import manifest
from sahut_bot.app import App
from sahut_bot.errors import ConfigError
from sahut_bot.sandbox import demo_script, demo_stage
from sahut_bot.sandbox.demo_page import DemoPage
from sahut_bot.sandbox.demo_stage import IDENTITY_SECRET, Stage
from sahut_bot.settings import HttpSettings, LivechatSettings, MediaSettings, Settings, SlackSettings

CHANNEL = "web"
HOLD_SECONDS = 5.0
SCRIPT_HOLD_SECONDS = 1.0
_CONNECT_SECONDS = 15.0
_GREETING = "Hello! Ask us anything about your order or our coffee."


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demo. `url` is where its page is."""

    app: App
    stage: Stage

    @property
    def url(self) -> str:
        host, port = self.app.address
        return f"http://{host}:{port}"


async def run_demo(port: int, script: bool, data_dir: Path | None = None) -> int:
    """Serves the page until interrupted, or plays the script. Returns the exit code. Raises `ConfigError`."""
    console = Console()
    with _directory(data_dir) as directory:
        if script:
            async with running(directory, port=0, hold=SCRIPT_HOLD_SECONDS) as demo:
                return await demo_script.play(demo.stage, demo.url, CHANNEL, console)
        async with running(directory, port=port) as demo:
            console.print(f"\n  The demo is at [bold]{demo.url}/[/]: the customer on the left, the team on the right.")
            kept = f"what is written is kept in {data_dir}" if data_dir else "nothing is kept"
            console.print(f"  Nothing leaves this machine, and {kept}. Ctrl-C ends it.\n")
            await _interrupted()
    return 0


@asynccontextmanager
async def running(
    directory: Path,
    *,
    port: int,
    hold: float = HOLD_SECONDS,
    language: str = "en",
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Demo]:
    """The stand-in and the program, connected. `directory` takes the database and the files."""
    stage = demo_stage.build(manifest.slack(None, True), now)
    await stage.server.start()
    page = DemoPage(stage, f"/livechat/{CHANNEL}/widget.js")
    app = App(_settings(stage, directory, port, hold, language), now=now, extra_routes=page.routes())
    try:
        await _start(app, port)
        try:
            await stage.workspace.wait_for(lambda: stage.server.sockets.connections, timeout=_CONNECT_SECONDS)
            yield Demo(app=app, stage=stage)
        finally:
            await app.stop()
    finally:
        await stage.server.stop()


async def _start(app: App, port: int) -> None:
    try:
        await app.start()
    except ConfigError as error:
        if "Cannot listen" in str(error):
            raise ConfigError(f'Port {port} is taken. Choose another one: make demo ARGS="--port 0"') from None
        raise


def _settings(stage: Stage, directory: Path, port: int, hold: float, language: str) -> Settings:
    credentials = stage.workspace.credentials
    return Settings(
        data_dir=directory,
        http=HttpSettings(port=port),
        language=language,
        admins=(f"slack:{stage.actor('admin').id}",),
        # The stand-in serves files on loopback over plain HTTP.
        media=MediaSettings(allowed_hosts=(f"http://127.0.0.1:{stage.server.port}",)),
        slack=SlackSettings(
            bot_token=SecretStr(credentials.bot_token),
            app_token=SecretStr(credentials.app_token),
            channel=stage.support,
            api_url=stage.server.api_url,
            posts_per_second=0,
        ),
        channels={
            CHANNEL: LivechatSettings(
                kind="livechat",
                reply_hold_seconds=hold,
                identity_secret=SecretStr(IDENTITY_SECRET),
                greeting=_GREETING,
            )
        },
    )


@contextmanager
def _directory(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="sahut-demo-") as made:
        yield Path(made)


async def _interrupted() -> None:
    """Returns at Ctrl-C, or when somebody ends the process politely."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
