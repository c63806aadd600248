"""Makes the README's pictures from the demo, as people would see it: python -m tests.browser.pictures

The story, the clock, the zone and the sizes are fixed; what remains different are the letters that a machine has.
With pngquant installed the files are made smaller.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, FilePayload, Locator, Page, async_playwright, expect

from sahut_bot.sandbox import demo
from sahut_bot.sandbox.demo_stage import Customer
from sahut_bot.sandbox.demo_visitor import VisitorClient
from tests.browser.demo_kit import Desk
from tests.browser.shop import ARGUMENTS, CHROMIUM

IMAGES = Path(__file__).parents[2] / "docs" / "images"
ZONE = "Asia/Jakarta"
BEGIN = datetime(2026, 11, 25, 9, 41, tzinfo=ZoneInfo(ZONE)).timestamp()
END = BEGIN + 16 * 60
MOST_BYTES = 150_000
RECEIPT = FilePayload(name="receipt-88213.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4" + b" " * 48_200)
OTHERS = (
    ("Tom Becker", "Do you ship to Germany?"),
    ("Dewi Anggraini", "Kopi Toraja kapan ada lagi, Kak?"),
    ("Maria Lopez", "The code SENJA10 does not work at the checkout."),
)
# What `system-ui` is to mean where Inter is installed; else Chromium falls back to letters that few systems show.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<match><test name="family"><string>DejaVu Sans</string></test>
<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match>
</fontconfig>"""


class Clock:
    """Runs, and jumps where the story says that time goes by."""

    def __init__(self) -> None:
        self._from = BEGIN - time.time()

    def __call__(self) -> float:
        return self._from + time.time()

    def skip(self, minutes: float) -> None:
        self._from += minutes * 60


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS, "utf-8")
    async with async_playwright() as playwright:
        environment: dict[str, str | float | bool] = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, env=environment)
        yield running
        await running.close()


async def main() -> None:
    clock = Clock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with demo.running(folder, port=0, hold=0.3, now=clock) as running, browser(folder) as chromium:
            await team(running, chromium, clock)
            for theme in ("light", "dark"):
                await widget(running, chromium, theme, f"widget-{theme}", {"width": 720, "height": 700})
            await widget(running, chromium, "light", "widget-360", {"width": 360, "height": 680}, scale=1.5)


async def team(running: demo.Demo, chromium: Browser, clock: Clock) -> None:
    """Plays the story on both sides, and pictures the team's."""
    size = {"width": 1600, "height": 990}
    desk = await Desk.open(running, chromium, viewport=size, device_scale_factor=1.5, timezone_id=ZONE)
    await desk.page.clock.set_fixed_time(datetime.fromtimestamp(END, ZoneInfo(ZONE)))
    await desk.be("Bram Setiawan", "agent")
    await desk.begin("Hi! My order 88213 has not arrived yet. Can you check?")
    clock.skip(1)
    await desk.press("Claim")
    await expect(desk.card("Owner")).to_contain_text("Bram")
    await desk.reply("; the third parcel this courier lost, let us offer a free bag")
    await expect(desk.said("free bag").locator(".reaction")).not_to_have_count(0)
    await seen(desk, "Hello Rina, sorry about that! I am asking the courier right now.")
    clock.skip(3)
    await desk.attach(RECEIPT)
    await desk.write("Thank you! Here is the receipt, if it helps.")
    await expect(desk.thread.locator("a.file")).to_be_visible()
    clock.skip(6)
    await seen(desk, "Found it: it arrives *tomorrow before noon*, with a bag of Senja on us :gift:")
    clock.skip(1)
    await desk.write("Wow, thank you!")
    await expect(desk.said("Wow, thank you!")).to_be_visible()
    await desk.thread.locator(".composer-field").focus()
    await away(desk)
    await shoot(desk.team, "thread")

    await desk.press("Snooze…")
    await desk.dialog.get_by_role("textbox", name="Or another time").fill("friday 2pm")
    await away(desk)
    await shoot(desk.dialog, "modal", around=28)
    await desk.page.keyboard.press("Escape")
    await expect(desk.dialog).to_have_count(0)

    for number, (who, text) in enumerate(OTHERS):
        clock.skip(1)
        async with VisitorClient(running.url, "web", Customer(user_id=f"o{number}", name=who, email="")) as visitor:
            await visitor.write(text)
    await expect(desk.said(OTHERS[-1][1], desk.main)).to_be_visible()
    await desk.page.set_viewport_size({"width": 1440, "height": 820})
    await desk.go("sahut")
    await expect(desk.main.locator(".kit-section")).to_have_count(len(OTHERS) + 1)
    await away(desk)
    await shoot(desk.team, "home")
    await desk.visit.context.close()


async def seen(desk: Desk, text: str) -> None:
    await desk.reply(text)
    start = re.split("[*:]", text)[0]
    await expect(desk.mark(desk.said(start), "eyes")).to_be_visible()


async def away(desk: Desk) -> None:
    """The pointer shows nothing."""
    await desk.page.mouse.move(1, 1)
    await desk.page.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")


async def widget(running: demo.Demo, chromium: Browser, theme: str, name: str, size: Any, scale: float = 1.25) -> None:
    context = await chromium.new_context(viewport=size, device_scale_factor=scale, timezone_id=ZONE)
    page = await context.new_page()
    await page.clock.set_fixed_time(datetime.fromtimestamp(END, ZoneInfo(ZONE)))
    await page.goto(f"{running.url}/demo/shop?theme={theme}")
    await page.locator("sahut-chat .bubble").click()
    await expect(page.frame_locator("sahut-chat iframe").get_by_text("Wow, thank you!")).to_be_visible()
    await page.mouse.move(1, 1)
    await page.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")
    await shoot(page, name)
    await context.close()


async def shoot(what: Page | Locator, name: str, around: int = 0) -> None:
    path = IMAGES / f"{name}.png"
    if around:
        assert isinstance(what, Locator)
        box = await what.bounding_box()
        assert box is not None
        clip = {
            "x": box["x"] - around,
            "y": box["y"] - around,
            "width": box["width"] + 2 * around,
            "height": box["height"] + 2 * around,
        }
        await what.page.screenshot(path=path, clip=clip, caret="hide")  # type: ignore[arg-type]
    else:
        await what.screenshot(path=path, caret="hide")
    squeeze(path)


def squeeze(path: Path) -> None:
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--output", path, "256", path], check=False)
    size = path.stat().st_size
    sys.stdout.write(f"{path.name}: {size // 1000} kB\n")
    assert size < MOST_BYTES, f"{path.name} is too large; is pngquant installed?"


if __name__ == "__main__":
    asyncio.run(main())
