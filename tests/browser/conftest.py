from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from _pytest.runner import runtestprotocol
from playwright.async_api import Browser

from sahut_bot.inbox.store import Store
from sahut_bot.sandbox import demo
from tests.browser.demo_kit import Desk
from tests.browser.shop import CHROMIUM, Shop, Visit, browser
from tests.databases import Clock
from tests.livechat.rig import Rig, channel


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers are big: one at a time, and on a machine without one these tests alone are skipped."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="needs Chromium (on Debian: apt install chromium)"))


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A browser on a busy machine can miss a beat: such a test has a second try, which is said. Twice is a failure."""
    if item.get_closest_marker("browser") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if failed := next((report for report in reports if report.failed), None):
        warned = f"second try of {item.nodeid}, after {failed.longreprtext.splitlines()[-1]}"
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            report.sections.append(("Browser", warned))
            report.user_properties.append(("retried", warned))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


@dataclass
class Street:
    """A shop with the widget, the bot behind it, and a browser to come with."""

    shop: Shop
    rig: Rig
    running: Browser

    async def visit(self, **context: Any) -> Visit:
        return await Visit.begin(self.running, **context)


class WallClock(Clock):
    """People in a browser live now."""

    def now(self) -> float:
        return time.time()

    __call__ = now


@pytest_asyncio.fixture(loop_scope="module")
async def street(chromium: Browser, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Street]:
    shop = Shop()
    await shop.start()
    store = Store.open(sqlite_url, tmp_path)
    await store.start()
    channels = [
        channel(origins=(shop.origin, shop.foreign)),
        channel("form", form="required"),
        channel("ask", form="optional"),
    ]
    rig = await Rig(store, tmp_path, WallClock(), channels=channels).start()
    shop.bot = rig.base
    made = Street(shop, rig, chromium)
    yield made
    for context in chromium.contexts:
        await context.close()
    await rig.stop()
    await store.stop()
    await shop.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chromium: Browser, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    """The page of a fresh demo."""
    shutil.copy(sqlite_template, tmp_path / "sahut.db")
    async with demo.running(tmp_path, port=0, hold=0.5) as running:
        opened = await Desk.open(running, chromium)
        yield opened
        problems, complaints = opened.visit.problems, running.stage.workspace.complaints
        for context in chromium.contexts:
            await context.close()
    assert problems == []
    assert complaints == []
