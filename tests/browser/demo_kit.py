"""The demo's page in a browser: the real program, the Slack stand-in, and both sides to be operated."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, FilePayload, FrameLocator, Locator, Page, expect

from sahut_bot.sandbox.demo import Demo
from tests.browser.shop import Visit

PDF = FilePayload(name="receipt.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4 receipt 88213")


class Desk:
    """One browser in front of the page."""

    def __init__(self, demo: Demo, visit: Visit) -> None:
        self.demo = demo
        self.slack = demo.stage.workspace
        self.room = demo.stage.support
        self.visit = visit
        self.page: Page = visit.page
        self.team = self.page.locator("#team")
        self.main = self.page.locator(".pane.main")
        self.thread = self.page.locator(".pane.thread")
        self.dialog = self.page.get_by_role("dialog")
        self.menu = self.page.get_by_role("menu")
        self.toasts = self.page.locator("#toasts")

    @classmethod
    async def open(cls, demo: Demo, browser: Browser, query: str = "", **context: Any) -> Desk:
        size = {"width": 1440, "height": 900}
        visit = await Visit.begin(
            browser, **{"viewport": size, "color_scheme": "light", "timezone_id": "Asia/Jakarta", **context}
        )
        desk = cls(demo, visit)
        await desk.page.goto(f"{demo.url}/{query}", wait_until="commit")
        await desk.be_ready("admin")
        return desk

    async def be_ready(self, part: str) -> None:
        await expect(self.team).to_have_attribute("data-ready", self.demo.stage.actor(part).id)

    # ------------------------------------------------------------ the customer

    @property
    def shop(self) -> FrameLocator:
        return self.page.frame_locator("#shop")

    @property
    def chat(self) -> FrameLocator:
        return self.shop.frame_locator("sahut-chat iframe")

    async def write(self, text: str) -> None:
        """As the customer, in the widget."""
        await self.open_chat()
        await self.chat.locator("#text").fill(text)
        await self.chat.locator("#text").press("Enter")

    async def attach(self, file: FilePayload) -> None:
        """In the widget; waits until it is there, as nothing is sent before."""
        await self.chat.locator("#file").set_input_files(file)
        await expect(self.chat.locator(".chip", has_text=file["name"])).to_be_visible()
        await expect(self.chat.locator(".chip progress")).to_have_count(0)

    async def open_chat(self) -> None:
        bubble = self.shop.locator("sahut-chat .bubble")
        if await bubble.get_attribute("aria-expanded") != "true":
            await bubble.click()

    def answers(self, text: str) -> Locator:
        """Bubbles that the customer sees from the team."""
        return self.chat.locator(".msg:not(.mine)", has_text=text)

    # ------------------------------------------------------------ the team

    async def begin(self, text: str = "Where is my order?", part: str = "") -> None:
        """A customer's first message, and its thread opened; `part` of it is what one looks for there."""
        await self.write(text)
        await self.main.locator(".replies").last.click()
        await expect(self.said(part or text).last).to_be_visible()

    def said(self, text: str, where: Locator | None = None) -> Locator:
        return (where or self.thread).locator(".msg", has_text=text)

    async def reply(self, text: str) -> Locator:
        """Written in the thread; the message as it stands there (by its words before a colon)."""
        field = self.thread.locator(".composer-field")
        await field.fill(text)
        await field.press("Enter")
        return self.thread.locator(".msg:not(.ephemeral)", has_text=text.partition(":")[0].strip()).last

    async def press(self, label: str) -> None:
        """A button of the card."""
        await self.thread.get_by_role("button", name=label, exact=True).first.click()

    async def claim(self) -> None:
        await self.press("Claim")
        await expect(self.card("Owner")).to_contain_text("Ayu Lestari")

    def card(self, label: str) -> Locator:
        """One fact of the card."""
        return self.thread.locator(".kit-fields > div", has_text=label)

    def mark(self, message: Locator, name: str) -> Locator:
        return message.locator(f'[data-reaction="{name}"]')

    async def tool(self, message: Locator, label: str) -> None:
        await message.hover()
        await message.get_by_role("button", name=label).click()

    async def choose(self, label: str, option: str) -> None:
        """In a menu of a form."""
        await self.dialog.get_by_role("combobox", name=label).click()
        await self.dialog.get_by_role("option", name=option, exact=True).click()

    async def submit(self) -> None:
        await self.dialog.locator(".submit").click()

    async def be(self, name: str, part: str) -> None:
        """Somebody else of the team."""
        await self.team.locator(".myself").click()
        await self.page.get_by_role("menuitemradio", name=name).click()
        actor = next(one for one in self.demo.stage.actors if one.name == name)
        assert actor.part == part
        await expect(self.team).to_have_attribute("data-ready", actor.id)

    async def go(self, place: str) -> None:
        await self.team.locator(".sidebar").get_by_role("button", name=place).click()
