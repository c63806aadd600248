"""From where files may be fetched."""

from __future__ import annotations

import pytest

from sahut_bot.bridges.http import AllowedHosts, is_loopback

ALLOWED = AllowedHosts(
    ["files.slack.com", "https://acme.slack.com/", "http://127.0.0.1:8000/api/"],
    ["cdn.example.com", "files.example.com:8443", "http://127.0.0.1:9000", "localhost:443", "127.0.0.2"],
)


@pytest.mark.parametrize(
    "url",
    [
        "https://files.slack.com/a/b?c=d",
        "https://FILES.slack.com/a",
        "https://files.slack.com:443/a",
        "https://acme.slack.com/files/x",
        "http://127.0.0.1:8000/files-pri/x",
        "https://cdn.example.com/x",
        "https://files.example.com:8443/x",
        "http://127.0.0.1:9000/x",
    ],
)
def test_what_is_named_is_allowed(url: str):
    assert ALLOWED.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/a",
        "https://files.slack.com:8443/a",
        "https://evil.files.slack.com/a",
        "https://files.slack.com.evil.example/a",
        "https://files.slack.com@evil.example/a",
        "https://evil.example@files.slack.com/a",
        "https://127.0.0.1:8000/a",
        "http://127.0.0.1:9001/x",
        "https://127.0.0.1:9000/x",
        "http://cdn.example.com/x",
        "https://localhost/x",
        "https://127.0.0.2/x",
        "ftp://files.slack.com/a",
        "https://files.slack.com:x/a",
        "https://[::1/x",
        "//files.slack.com/a",
        "",
    ],
)
def test_everything_else_is_not(url: str):
    assert not ALLOWED.allows(url)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_this_machine_is_known_under_its_names(host: str):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", ""])
def test_other_machines_are_not_this_one(host: str):
    assert not is_loopback(host)
