"""Uploads: what is taken and what is not, whose they are, and the links they are read by."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.text import tree
from sahut_bot.web.livechat_files import FILE_LIMIT, file_name, remove_unused
from sahut_bot.web.livechat_types import content_type_of
from sahut_bot.web.media import MediaLinks
from tests.livechat.rig import PNG, SECRET, Client, Rig

# ---------------------------------------------------------------- what a file is

TAKEN = [
    ("photo.png", PNG, "image/png", "image/png"),
    ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg", "image/jpeg"),
    ("anim.gif", b"GIF89a....", "image/gif", "image/gif"),
    ("new.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", "image/webp"),
    ("phone.heic", b"\x00\x00\x00\x18ftypheic", "", "image/heic"),
    ("bill.pdf", b"%PDF-1.7\n", "application/pdf", "application/pdf"),
    ("clip.mp4", b"\x00\x00\x00\x18ftypisom", "video/mp4", "video/mp4"),
    ("voice.ogg", b"OggS\x00", "audio/ogg", "audio/ogg"),
    ("song.mp3", b"\xff\xfb\x90\x00", "audio/mpeg", "audio/mpeg"),
    ("notes.txt", "Halo dunia 👋".encode(), "text/plain", "text/plain"),
    ("MZ.txt", b"MZ is the country code of Mozambique", "text/plain", "text/plain"),
    ("less.txt", b"a < b and <3 you", "text/plain", "text/plain"),
    ("table.csv", b"a,b\n1,2\n", "text/csv", "text/csv"),
    ("data.json", b'{"a": 1}', "application/json", "application/json"),
    ("letter.docx", b"PK\x03\x04....", "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..", "", "application/msword"),
    ("all.zip", b"PK\x03\x04....", "application/zip", "application/zip"),
    ("strange.bin", b"\x00\x01\x02\x03", "", "application/octet-stream"),
    # What the sender says does not count where the bytes say otherwise.
    ("photo.png", PNG, "text/html", "image/png"),
    ("photo", b"%PDF-1.4", "image/png", "application/pdf"),
]

REFUSED = [
    ("page.html", b"<!doctype html><script>alert(1)</script>", "text/html"),
    ("page.txt", b"  \n<!-- x --><HTML><body>", "text/plain"),
    ("page.txt", b"\xef\xbb\xbf<script>alert(1)</script>", "text/plain"),
    ("page", b"\xff\xfe" + "<html>".encode("utf-16-le"), ""),
    ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
    ("picture.png", b"<svg onload='alert(1)'/>", "image/png"),
    ("feed.txt", b"<?xml version='1.0'?><x/>", "text/plain"),
    ("words.txt", b"hello", "text/html"),
    ("words.txt", b"hello", "application/javascript"),
    ("setup.exe", b"MZ\x90\x00\x03", "application/octet-stream"),
    ("setup.png", b"MZ\x90\x00\x03", "image/png"),
    ("setup.exe", b"hello", "text/plain"),
    ("run", b"\x7fELF\x02\x01", ""),
    ("run", b"#!/bin/sh\nrm -rf /", "text/plain"),
    ("mac", b"\xcf\xfa\xed\xfe\x07", ""),
    ("lib.jar", b"PK\x03\x04", "application/zip"),
    ("phone.apk", b"PK\x03\x04", "application/zip"),
    ("setup.msi", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ""),
    ("unknown", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ""),
    ("go.lnk", b"L\x00\x00\x00\x01\x14\x02\x00", ""),
    ("run.ps1", b"Get-Item", "text/plain"),
    ("run.JS", b"alert(1)", "text/plain"),
]


@pytest.mark.parametrize(("name", "head", "declared", "kept"), TAKEN)
def test_type_is_what_the_bytes_say(name: str, head: bytes, declared: str, kept: str):
    assert content_type_of(name, head, declared) == kept


@pytest.mark.parametrize(("name", "head", "declared"), REFUSED)
def test_what_can_act_is_refused(name: str, head: bytes, declared: str):
    assert content_type_of(name, head, declared) is None


@given(st.text(max_size=30), st.binary(max_size=300), st.text(max_size=30))
def test_any_file_is_judged(name, head, declared):
    kept = content_type_of(name, head, declared)
    assert kept is None or not re.search("html|svg|xml(?!formats)|script", kept)


def test_endless_comments_are_judged_in_no_time():
    assert content_type_of("a.txt", b"<!---->" * 585, "text/plain") == "text/plain"


@given(st.text(max_size=300))
def test_names_are_short_visible_and_lead_nowhere(name):
    kept = file_name(name)
    assert 0 < len(kept) <= 120
    assert "/" not in kept
    assert "\\" not in kept
    assert kept not in (".", "..")
    assert kept == tree.clean(kept)


def test_long_names_keep_their_ending():
    assert file_name("C:\\fakepath\\" + "x" * 300 + ".pdf").endswith("x.pdf")
    assert file_name("../../etc/passwd") == "passwd"
    assert file_name("..%2F..%2Fetc%2Fm%C3%A4rz%22.txt") == 'märz".txt'
    assert file_name("invoice\u202efdp.exe") == "invoicefdp.exe"


# ---------------------------------------------------------------- uploading


def kept(folder: Path) -> list[Path]:
    return list(folder.glob("files/*/*"))


async def uploaded(visitor: Client, data: bytes = PNG, name: str = "photo.png", kind: str = "image/png") -> str:
    async with await visitor.upload(data, name, kind) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["file"])


async def test_file_travels_with_its_message_and_is_read_by_its_link(rig: Rig, tmp_path: Path):
    visitor = await rig.visitor()
    file = await uploaded(visitor)
    await visitor.say("look", attachments=[file])
    (seen,) = (await visitor.feed())["messages"]
    (shown,) = seen["attachments"]
    link = shown.pop("url")
    assert shown == {"id": file, "name": "photo.png", "content_type": "image/png", "size": len(PNG), "inline": True}
    assert link.startswith("/media/")
    async with rig.http.get(rig.base + link) as answer:
        assert await answer.read() == PNG
        assert answer.content_type == "image/png"
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert [path.stat().st_mode & 0o077 for path in kept(tmp_path)] == [0]


async def test_file_alone_is_a_message(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say(
        "", attachments=[await uploaded(visitor), await uploaded(visitor, b"text", "a.txt", "text/plain")]
    )
    (seen,) = (await visitor.feed())["messages"]
    assert [file["name"] for file in seen["attachments"]] == ["photo.png", "a.txt"]


async def test_what_a_browser_cannot_show_safely_is_only_offered_for_download(rig: Rig):
    visitor = await rig.visitor()
    file = await uploaded(visitor, b"%PDF-1.4 x", "Rechnung März.pdf", "application/pdf")
    await visitor.say("", attachments=[file])
    (shown,) = (await visitor.feed())["messages"][0]["attachments"]
    async with rig.http.get(rig.base + shown["url"]) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''Rechnung%20M%C3%A4rz.pdf"


async def test_retry_of_a_message_with_files_is_taken_again(rig: Rig):
    visitor = await rig.visitor()
    file = await uploaded(visitor)
    for _ in range(2):
        assert await visitor.say("look", id="1", attachments=[file]) == {"id": "1"}
    assert len(await rig.team.messages()) == 1


async def test_nobody_can_send_a_file_of_somebody_else(rig: Rig):
    owner, thief = await rig.visitor(), await rig.visitor()
    file = await uploaded(owner)
    body = {"id": "1", "text": "mine now", "attachments": [file]}
    async with rig.http.post(f"{thief.url}/messages", json=body, headers=thief.auth) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"] == "attachments"
    assert await rig.team.messages() == []


async def test_file_of_one_message_is_not_taken_from_it_by_another(rig: Rig):
    visitor = await rig.visitor()
    file = await uploaded(visitor)
    await visitor.say("first", attachments=[file])
    await visitor.say("second", attachments=[file])
    first, second = (await visitor.feed())["messages"]
    assert [one["id"] for one in first["attachments"]] == [file]
    assert second["attachments"] == []


async def test_refused_types_are_answered_415_and_leave_no_file(rig: Rig, tmp_path: Path):
    visitor = await rig.visitor()
    for name, data, kind in REFUSED[:6]:
        async with await visitor.upload(data, name, kind or "application/octet-stream") as answer:
            assert answer.status == 415, name
            assert (await answer.json())["error"] == "refused_type"
    assert kept(tmp_path) == []


async def test_forms_that_are_none_are_answered_400(rig: Rig):
    visitor = await rig.visitor()
    multipart = {**visitor.auth, "Content-Type": "multipart/form-data; boundary=x"}
    bodies: list[tuple[dict[str, str], bytes]] = [
        ({**visitor.auth, "Content-Type": "multipart/form-data"}, b"no boundary"),
        (multipart, b""),
        (multipart, b"no form at all"),
        (multipart, b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--x--\r\n'),
        (multipart, b'--x\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\nfile\r\n--x--\r\n'),
        (multipart, b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n--x--\r\n'),
    ]
    for headers, body in bodies:
        async with rig.http.post(f"{visitor.url}/files", data=body, headers=headers) as answer:
            assert answer.status == 400, body


async def test_two_files_at_once_are_answered_400(rig: Rig):
    visitor = await rig.visitor()
    form = aiohttp.FormData()
    for _ in range(2):
        form.add_field("file", PNG, filename="a.png")
    async with rig.http.post(f"{visitor.url}/files", data=form, headers=visitor.auth) as answer:
        assert answer.status == 400


class Zeros(io.RawIOBase):
    """So many zero bytes, without holding them."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left)
        buffer[:count] = bytes(count)
        self.left -= count
        return count


async def test_file_over_the_limit_is_answered_413_whether_its_size_is_told_or_not(rig: Rig, tmp_path: Path):
    visitor = await rig.visitor()
    for size in (FILE_LIMIT + 1, FILE_LIMIT + 5_000_000):
        form = aiohttp.FormData()
        form.add_field("file", io.BufferedReader(Zeros(size)), filename="big.bin")
        async with rig.http.post(f"{visitor.url}/files", data=form, headers=visitor.auth) as answer:
            assert answer.status == 413
    assert kept(tmp_path) == []


async def test_largest_file_is_taken(rig: Rig):
    visitor = await rig.visitor()
    form = aiohttp.FormData()
    form.add_field("file", io.BufferedReader(Zeros(FILE_LIMIT)), filename="big.bin")
    async with rig.http.post(f"{visitor.url}/files", data=form, headers=visitor.auth) as answer:
        assert answer.status == 200
        assert (await answer.json())["size"] == FILE_LIMIT


async def test_uploads_that_no_message_took_are_removed_after_a_day(rig: Rig, tmp_path: Path):
    visitor = await rig.visitor()
    used = await uploaded(visitor)
    await visitor.say("look", attachments=[used])
    await uploaded(visitor, b"never sent", "a.txt", "text/plain")
    assert await remove_unused(rig.store, tmp_path, rig.clock()) == 0
    rig.clock.advance(86401)
    assert await remove_unused(rig.store, tmp_path, rig.clock()) == 1
    assert [path.read_bytes() for path in kept(tmp_path)] == [PNG]


# ---------------------------------------------------------------- links


async def test_link_ends_after_its_time_and_cannot_be_made_or_moved(rig: Rig):
    visitor = await rig.visitor()
    await visitor.say("", attachments=[await uploaded(visitor), await uploaded(visitor)])
    one, other = (await visitor.feed())["messages"][0]["attachments"]
    _, _, link, name = one["url"].split("/")
    number, until, signature = link.split(".")
    moved = other["id"].removeprefix("file_")
    for forged in (
        f"{moved}.{until}.{signature}",
        f"{number}.{int(until) + 1}.{signature}",
        f"{number}.{until}.{'A' * 32}",
        f"{number}.{until}.",
        f"{number}.{until}",
        "1",
    ):
        async with rig.http.get(f"{rig.base}/media/{forged}/{name}") as answer:
            assert answer.status == 404, forged
    async with rig.http.get(rig.base + one["url"]) as answer:
        assert answer.status == 200
    rig.clock.advance(3 * 86400)
    async with rig.http.get(rig.base + one["url"]) as answer:
        assert answer.status == 404


@given(st.integers(1, 10**12), st.text(max_size=40))
def test_only_links_of_this_server_open_a_file(number, name):
    links = MediaLinks(SECRET, lambda: 1_800_000_000.0)
    link = links.path(number, name).split("/")[2]
    assert links.attachment(link) == number
    assert MediaLinks(b"another server's secret", lambda: 1_800_000_000.0).attachment(link) is None


async def test_whatever_is_stored_no_page_of_ours_comes_out(rig: Rig, tmp_path: Path):
    visitor = await rig.visitor()
    await visitor.say("hi")
    reply = await rig.team.reply(visitor.id, "see")
    (tmp_path / "page").write_text("<script>alert(1)</script>")
    await rig.team.attach(reply, "page", "page.html", "text/html", 25)
    (shown,) = (await visitor.feed())["messages"][1]["attachments"]
    assert shown["inline"] is False
    async with rig.http.get(rig.base + shown["url"]) as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
