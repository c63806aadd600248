"""Our server for the benchmark: the whole program, with the limits on visitors off. Prints what the load needs."""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path

import orjson
import uvloop

from sahut_bot import logs
from sahut_bot.app import App
from sahut_bot.bridges.channels.livechat_visitor import NONCE_BYTES
from sahut_bot.settings import Settings
from sahut_bot.web.livechat_limits import Gate, Limits, Rate

CUSTOMERS = 10_000


async def serve(directory: str, slack_api: str, channel: str, bot_token: str, app_token: str) -> None:
    app = App(
        Settings.model_validate(
            {
                "data_dir": Path(directory),
                "http": {"port": 0},
                "slack": {
                    "bot_token": bot_token,
                    "app_token": app_token,
                    "channel": channel,
                    "api_url": slack_api,
                    "posts_per_second": 0,
                },
                "channels": {"web": {"kind": "livechat", "reply_hold_seconds": 0}},
            }
        )
    )
    await app.start()
    free = Rate(1e9, 1e9)
    app.lobby.gate = Gate(Limits(messages=free, messages_ip=free, reads=free, sessions_ip=free), app._now)
    tokens = app.lobby.channels["web"].tokens
    visitors = [tokens.session({}, secrets.token_bytes(NONCE_BYTES), app._now()) for _ in range(CUSTOMERS)]
    heads = [
        f"POST /livechat/web/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {tokens.mint(visitor)}\r\n"
        for visitor in visitors
    ]
    print(orjson.dumps({"port": app.address[1], "heads": heads}).decode(), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logs.setup("error", "console")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(*sys.argv[1:6]))
