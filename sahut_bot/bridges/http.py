"""What adapters share for files over HTTP: whom to fetch from, how much at most, and what a failure means.

A file is fetched only from hosts that the platform is known to serve from, or that the settings name; a redirect is
never followed, since it could carry our credentials to somewhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, urlsplit

import aiohttp

from sahut_bot.errors import AuthFailed, Permanent, PlatformError, RateLimited, Transient
from sahut_bot.text.words import say

FILE_LIMIT = 25 * 1024 * 1024  # bytes; larger attachments are not taken (design 3.5)
_CHUNK = 64 * 1024
_STALL = aiohttp.ClientTimeout(total=300, connect=10, sock_read=30)
_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine."""
    bare = host.strip("[]").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False


class AllowedHosts:
    """The places from which files may be fetched.

    `own` are the platform's hosts or whole addresses (https unless the address says http). `extra` come from the
    settings as `host` or `host:port`, which mean https and never this machine, or as `http://host:port`, which means
    exactly that and is the only way to allow plain HTTP or loopback.
    """

    def __init__(self, own: Iterable[str], extra: Iterable[str] = ()) -> None:
        self._origins = {_origin(entry) for entry in own}
        for entry in extra:
            origin = _origin(entry)
            if "://" in entry or not is_loopback(origin[1]):
                self._origins.add(origin)

    def allows(self, url: str) -> bool:
        """Whether `url` is at one of the places; never for one with a user name in it."""
        try:
            parts = urlsplit(url)
            return parts.username is None and parts.scheme in _PORTS and _place(parts) in self._origins
        except ValueError:
            return False


def _origin(entry: str) -> tuple[str, str, int]:
    return _place(urlsplit(entry if "://" in entry else f"https://{entry}"))


def _place(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is expected of a file. `size` 0 and `content_type` empty: not known. `limit` in bytes."""

    content_type: str = ""
    size: int = 0
    limit: int = FILE_LIMIT


async def download(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], wanted: Wanted, lang: str
) -> AsyncIterator[bytes]:
    """The bytes behind `url`, which the caller has found allowed.

    Raises `Permanent` with the code too_big, not_found, redirect or no_access (a sign-in page in place of the file),
    else `RateLimited` or `Transient`, also in the middle when the bytes stop short of what was announced.
    """
    got = 0
    try:
        async with session.get(url, headers=dict(headers), allow_redirects=False, timeout=_STALL) as response:
            _check(response, wanted, lang)
            async for chunk in response.content.iter_chunked(_CHUNK):
                got += len(chunk)
                if got > wanted.limit:
                    raise Permanent(say(lang, "file.too_big", limit=_megabytes(wanted.limit)), "too_big")
                yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise Transient(say(lang, "file.away")) from error
    if wanted.size and got != wanted.size:
        raise Transient(say(lang, "file.incomplete"))


def _check(response: aiohttp.ClientResponse, wanted: Wanted, lang: str) -> None:
    status = response.status
    if 300 <= status < 400:
        raise Permanent(say(lang, "file.redirect"), "redirect")
    if status != 200:
        raise _refusal(status, response.headers.get("Retry-After", ""), lang)
    if response.content_type == "text/html" and not wanted.content_type.startswith("text/html"):
        raise Permanent(say(lang, "file.no_access"), "no_access")
    if (response.content_length or 0) > wanted.limit:
        raise Permanent(say(lang, "file.too_big", limit=_megabytes(wanted.limit)), "too_big")


def _refusal(status: int, retry_after: str, lang: str) -> PlatformError:
    if status == 429:
        return RateLimited(say(lang, "file.away"), float(retry_after) if retry_after.isdigit() else 30.0)
    if status >= 500 or status == 408:
        return Transient(say(lang, "file.away"))
    if status in {401, 403}:
        return Permanent(say(lang, "file.no_access"), "no_access")
    return Permanent(say(lang, "file.not_found"), "not_found")


async def upload(session: aiohttp.ClientSession, url: str, path: str, size: int, lang: str) -> None:
    """POSTs a file of exactly `size` bytes from disk without holding it in memory.

    Raises `Permanent` for a file that is gone or has another size, `AuthFailed` or `Transient` for the rest.
    """
    try:
        with _opened(path, size) as source:
            headers = {"Content-Type": "application/octet-stream"}
            async with session.post(
                url, data=source, headers=headers, allow_redirects=False, timeout=_STALL
            ) as response:
                status = response.status
    except FileNotFoundError as error:
        raise Permanent(say(lang, "file.gone"), "gone") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Transient(say(lang, "file.away")) from error
    if status in {401, 403}:
        raise AuthFailed(say(lang, "file.no_access"))
    if status != 200:
        raise Transient(say(lang, "file.away"))


def _opened(path: str, size: int) -> IO[bytes]:
    source = Path(path).open("rb")  # noqa: SIM115 - the caller's `with` closes it
    if Path(path).stat().st_size != size:
        source.close()
        raise FileNotFoundError(path)
    return source


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MB"
