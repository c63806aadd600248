"""The Slack stand-in for the benchmark, without limits, in a process of its own. Notes when each post arrived."""

from __future__ import annotations

import asyncio
import re
import sys

import orjson
import uvloop

from sahut_bot import manifest
from sahut_bot.sandbox.slack import SlackServer, SlackWorkspace

NUMBER = re.compile(r"n=(\d+)")


async def serve() -> None:
    workspace = SlackWorkspace(manifest.slack(None, socket_mode=True))
    workspace.limits.enabled = False
    agent = workspace.add_user("Ana")
    channel = workspace.add_channel("support", members=[agent])
    server = SlackServer(workspace)
    tokens = [workspace.credentials.bot_token, workspace.credentials.app_token]
    await server.start()
    print(orjson.dumps({"api_url": server.api_url, "channel": channel, "tokens": tokens}).decode(), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.readline()
    arrived: dict[int, float] = {}
    for call in workspace.calls("chat.postMessage"):
        found = NUMBER.search(str(call.args.get("text", "")))
        if found and call.args.get("thread_ts"):
            arrived.setdefault(int(found[1]), call.at)
    print(orjson.dumps(arrived, option=orjson.OPT_NON_STR_KEYS).decode(), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
