"""From an HTTP request to the arguments and the token of a Web API call."""

from __future__ import annotations

import orjson
from aiohttp import web

from sahut_bot.sandbox.slack.model import Json


async def read_call(request: web.Request, *, json_body: bool) -> tuple[Json, str, str]:
    """Arguments, token, and what is wrong with the body (invalid_json, json_not_object), if anything.

    Slack docs, Web API basics: the token comes in a header or a form field, never in the query string. A method that
    does not take JSON does not see a JSON body.
    """
    args: Json = dict(request.query)
    args.pop("token", None)
    token, problem = bearer(request), ""
    if request.method == "POST" and request.body_exists:
        if request.content_type == "application/json":
            body, problem = _json(await request.read())
            if json_body:
                args |= body
        else:
            form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
            token = token or form.pop("token", "")
            args |= form
    return args, token, problem


def _json(raw: bytes) -> tuple[Json, str]:
    try:
        body = orjson.loads(raw or b"{}")
    except ValueError:
        return {}, "invalid_json"
    return (body, "") if isinstance(body, dict) else ({}, "json_not_object")


def bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""
