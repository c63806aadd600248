"""Addresses: which ones may be clicked, where they stand in a text, and whether a label tells the truth about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address

from sahut_bot.text.markup import Link

_WEB = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^/?#\s:@\\\[\]]{1,253})(?P<port>:[0-9]{1,5})?(?P<rest>[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_MAIL = re.compile(r"mailto:[^\s@<>\"'`|\\,]+@[^\s@<>\"'`|\\,]+", re.IGNORECASE)
_PHONE = re.compile(r"tel:\+?[0-9().-]{2,32}", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\"'<>\\^`{|}\x7f-\xa0]")
_LONGEST = 4000

_BARE = re.compile(r"\bhttps?://[^\s<>\"`{|}\\^]+", re.IGNORECASE)
_TAIL = ".,:;!?'*_~…"
_DOTTED = re.compile(r"[\w.-]+")
_HOST_LIKE = re.compile(r"[^.]+(?:\.[^.]+)*\.(?:[^\W\d_]{2,}|xn--[\w-]+)|[0-9]+(?:\.[0-9]+){3}")


def safe_url(url: str) -> str | None:
    """`url` in a form that may stand in HTML and in Slack's angle brackets, or None if it may not be clicked.

    Only http, https, mailto and tel; no user name in front of the host (a disguise); a host that browsers accept,
    in ASCII; characters that end an attribute or a bracket percent-encoded.
    """
    url = url.strip()
    if len(url) > _LONGEST:
        return None
    if _MAIL.fullmatch(url) or _PHONE.fullmatch(url):
        return url
    found = _WEB.fullmatch(url)
    host = found and _safe_host(found["host"])
    if not found or not host or int((found["port"] or ":0")[1:]) > 65535:
        return None
    rest = _UNSAFE.sub(lambda bad: "".join(f"%{byte:02X}" for byte in bad[0].encode()), found["rest"] or "")
    return f"{found['scheme'].lower()}://{host}{found['port'] or ''}{rest}"


def _safe_host(host: str) -> str | None:
    try:
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        elif "xn--" in host.lower():
            host.encode("ascii").decode("idna")
    except UnicodeError:
        return None
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if _NUMBER.fullmatch(labels[-1]):
        try:
            IPv4Address(host)
        except AddressValueError:
            return None
    return host


def find_urls(value: str) -> Iterator[tuple[int, int]]:
    """Start and end of each http or https address in plain text, without the punctuation that follows it."""
    for found in _BARE.finditer(value):
        end = found.start() + _trimmed(found[0])
        if safe_url(value[found.start() : end]):
            yield found.start(), end


def _trimmed(url: str) -> int:
    end = len(url)
    surplus = {")": url.count(")") - url.count("("), "]": url.count("]") - url.count("[")}
    while end:
        last = url[end - 1]
        if last in surplus and surplus[last] > 0:
            surplus[last] -= 1
        elif last not in _TAIL:
            break
        end -= 1
    return end


def tells_address(link: Link) -> bool:
    """Whether the label is the address itself, give or take scheme and closing slash."""
    return _bare(link.label) == _bare(link.url)


def misleads(link: Link) -> bool:
    """Whether the label looks like the address of another place than the link leads to."""
    if tells_address(link):
        return False
    if "://" in link.label:
        return True
    target = _bare(link.url)
    place = re.split(r"[/?#:]", target, maxsplit=1)[0].rpartition("@")[2].removeprefix("www.")
    words = (word.strip(".-") for word in _DOTTED.findall(link.label.casefold()))
    return any(word.removeprefix("www.") != place for word in words if _HOST_LIKE.fullmatch(word))


def described(link: Link) -> str:
    """The link as plain text: its label, and its address unless the label is that."""
    if not link.label.strip():
        return link.url
    return link.label if tells_address(link) else f"{link.label} ({link.url})"


def _bare(url: str) -> str:
    return re.sub(r"^(?:https?://|mailto:|tel:)", "", url.strip().casefold()).rstrip("/")
