"""The widget in a real browser, on a site of another origin, as a customer uses it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import FilePayload, expect

from sahut_bot.text.markup import Bold, Link, Text
from tests.browser.conftest import Street
from tests.browser.shop import HOSTILE_STYLE, Visit
from tests.databases import until
from tests.livechat.rig import PNG, Client

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def as_client(street: Street, visit: Visit) -> Client:
    client = street.rig.client()
    client.token = await visit.token()
    return client


async def arrived(street: Street, visit: Visit, text: str) -> str:
    """Writes `text` and waits until it is stored. Returns the visitor's id."""
    await visit.write(text)
    await expect(visit.chat.locator(".mine:not(.pending) .bubble", has_text=text)).to_be_visible()
    return (await as_client(street, visit)).id


async def test_customer_writes_an_agent_answers_and_both_are_seen(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, "Is this in stock?")
    assert [row.body for row in await street.rig.team.messages()] == ["Is this in stock?"]
    await street.rig.lobby.channels["web"].typing(visitor, 5)
    await expect(visit.chat.locator("#typing")).to_be_visible()
    reply = await street.rig.team.reply(visitor, (Text("Yes, "), Bold((Text("three"),)), Text(" are left.")))
    answer = visit.chat.locator(".msg:not(.mine)")
    await expect(answer.locator(".bubble")).to_have_text("Yes, three are left.")
    await expect(answer.locator("strong")).to_have_text("three")
    await expect(answer.locator(".author")).to_contain_text("Ani Wijaya")
    await expect(visit.chat.locator("#typing")).to_be_hidden()
    await eventually(street, reply, "read")
    await street.rig.team.change(visitor, reply, body="Two are left.", markup="", edited_at=1.0)
    await expect(answer.locator(".bubble")).to_have_text("Two are left.")
    await expect(answer).to_contain_text("edited")
    await street.rig.team.change(visitor, reply, deleted_at=1.0)
    await expect(answer.locator(".bubble")).to_have_text("This message was deleted.")
    assert visit.problems == []


async def eventually(street: Street, message: int, state: str) -> None:
    async with asyncio.timeout(10):
        while await street.rig.team.delivery(message) != state:
            pass  # the store needs its time to answer


async def test_reply_to_a_closed_chat_has_arrived_but_is_unread_until_it_is_opened(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, "question")
    await visit.bubble.click()
    replies = [await street.rig.team.reply(visitor, f"answer {number}") for number in range(2)]
    await expect(visit.bubble.locator(".badge")).to_have_text("2")
    await expect(visit.bubble).to_have_attribute("aria-label", "Open chat, unread messages: 2")
    await eventually(street, replies[1], "delivered")
    await visit.bubble.click()
    await expect(visit.bubble.locator(".badge")).to_be_hidden()
    for reply in replies:
        await eventually(street, reply, "read")
    assert visit.problems == []


async def test_reload_keeps_history_draft_and_unread_count(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, "question")
    await visit.chat.locator("#text").fill("half a thou")
    await visit.page.goto("about:blank")
    await street.rig.team.reply(visitor, "answer while away")
    await visit.page.goto(street.shop.origin)
    await expect(visit.bubble.locator(".badge")).to_have_text("1")
    await visit.bubble.click()
    await expect(visit.chat.locator(".bubble")).to_have_text(["question", "answer while away"])
    await expect(visit.chat.locator("#text")).to_have_value("half a thou")
    other = await street.visit()
    await other.open(street.shop.origin)
    await expect(other.chat.locator("#send")).to_be_visible()
    await expect(other.chat.locator(".bubble")).to_have_count(0)
    assert visit.problems == []


async def test_hostile_text_stays_text_everywhere(street: Street):
    hostile = '<img src=x onerror="top.hacked=1;parent.hacked=1"><script>window.hacked=1</script>&lt;b&gt;'
    visit = await street.visit()
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, hostile)
    reply = await street.rig.team.reply(visitor, (Text(hostile), Link("https://example.com/", hostile)))
    await street.rig.team.attach(reply, "none", f"{hostile}.png", "image/png", 5)
    await street.rig.team.change(visitor, reply)
    bubbles = visit.chat.locator(".bubble")
    await expect(bubbles.nth(0)).to_have_text(hostile)
    await expect(bubbles.nth(1)).to_contain_text(hostile)
    await visit.page.reload()
    await visit.bubble.click()
    await expect(bubbles.nth(0)).to_have_text(hostile)
    await expect(visit.chat.locator("#log script")).to_have_count(0)
    await expect(visit.chat.locator('#log [src="x"]')).to_have_count(0)
    link = visit.chat.locator(".bubble a").last
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    for frame in visit.page.frames:
        assert await frame.evaluate("window.hacked") is None
    assert visit.problems == []


async def test_links_in_plain_text_can_be_followed_and_scripts_cannot(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "see https://example.com/a_(b)?c=1#d, or javascript:alert(1) (http://b.example).")
    links = visit.chat.locator(".bubble a")
    await expect(links).to_have_count(2)
    await expect(links.nth(0)).to_have_attribute("href", "https://example.com/a_(b)?c=1#d")
    await expect(links.nth(1)).to_have_attribute("href", "http://b.example")


async def test_style_of_the_site_does_not_reach_the_widget(street: Street):
    street.shop.style = HOSTILE_STYLE
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "still here")
    box = await visit.page.locator("sahut-chat .panel").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (396, 604)
    colour = "element => getComputedStyle(element).color"
    assert await visit.chat.locator("#greeting").evaluate(colour) == "rgb(255, 255, 255)"


async def test_everything_can_be_done_with_the_keyboard(street: Street):
    street.shop.before = "<a href='#' id=before>before</a>"
    visit = await street.visit()
    page = visit.page
    await page.goto(street.shop.origin)
    await visit.bubble.wait_for()
    await page.keyboard.press("Tab")
    await expect(page.locator("#before")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(visit.bubble).to_be_focused()
    await expect(visit.bubble).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("Enter")
    await expect(visit.chat.locator("#text")).to_be_focused()
    await expect(visit.bubble).to_have_attribute("aria-expanded", "true")
    await page.keyboard.type("first line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second line")
    await page.keyboard.press("Enter")
    await expect(visit.chat.locator(".mine .bubble")).to_have_text("first line\nsecond line")
    # Round and round inside, in both directions.
    order = ["send", "minimise", "scroll", "attach", "text"]
    for name in order:
        await page.keyboard.press("Tab")
        await expect(visit.chat.locator(f"#{name}")).to_be_focused()
    for name in [*reversed(order[:-1]), "text"]:
        await page.keyboard.press("Shift+Tab")
        await expect(visit.chat.locator(f"#{name}")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(visit.bubble).to_be_focused()
    await expect(visit.page.locator("sahut-chat .panel")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(visit.chat.locator("#text")).to_be_focused()
    assert visit.problems == []


async def test_parts_are_named_for_screen_readers(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, "question")
    await street.rig.team.reply(visitor, "answer")
    chat = visit.chat
    await expect(chat.get_by_role("dialog", name="Toko Sari")).to_be_visible()
    await expect(chat.get_by_role("textbox", name="Message")).to_be_visible()
    for button in ("Send message", "Attach files", "Close chat"):
        await expect(chat.get_by_role("button", name=button)).to_be_visible()
    log = chat.get_by_role("log", name="Conversation")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(log).to_contain_text("You said")
    await expect(log).to_contain_text("Ani Wijaya said")
    await expect(visit.page.get_by_title("Chat")).to_be_visible()


@pytest.mark.slow
async def test_phone_of_360_pixels_shows_the_chat_full_and_nothing_wider(street: Street):
    visit = await street.visit(viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True)
    street.shop.before = "<meta name=viewport content='width=device-width,initial-scale=1'>"
    await visit.page.goto(street.shop.origin)
    await visit.bubble.tap()
    await expect(visit.chat.locator("#text")).to_be_focused()
    visitor = await arrived(street, visit, "x" * 300 + " https://example.com/" + "y" * 200)
    reply = await street.rig.team.reply(visitor, "w" * 300)
    await street.rig.team.attach(reply, "none", "n" * 100 + ".pdf", "application/pdf", 5)
    await street.rig.team.change(visitor, reply)
    await expect(visit.chat.locator(".msg:not(.mine) .file")).to_be_visible()
    box = await visit.page.locator("sahut-chat iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 360, "height": 640}
    await expect(visit.bubble).to_be_hidden()
    widths = "() => [document.documentElement.scrollWidth, document.querySelector('#scroll').scrollWidth]"
    assert await visit.frame.evaluate(widths) == [360, 360]
    send = await visit.chat.locator("#send").bounding_box()
    assert send is not None
    assert send["y"] + send["height"] <= 640
    await visit.chat.locator("#minimise").tap()
    await expect(visit.bubble).to_be_visible()


CONTRAST = """() => {
  const parse = (colour) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (parts) => {
    const [r, g, b] = parts.map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const owner = node.parentElement;
    if (!node.data.trim() || !owner.checkVisibility({ visibilityProperty: true }) || owner.closest(".spoken")) continue;
    let below = owner, paper = [0, 0, 0, 0];
    for (; below && paper[3] < 255; below = below.parentElement) {
      const style = getComputedStyle(below);
      const gradient = style.backgroundImage.match(/(?:rgb|color)\\([^)]*\\)/g);
      paper = parse(gradient ? gradient.at(-1) : style.backgroundColor);
    }
    const both = [parse(getComputedStyle(owner).color), paper].map((colour) => light(colour.slice(0, 3)));
    const [low, high] = both.sort((one, other) => one - other);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) bad.push([owner.className || owner.tagName, node.data.trim(), ratio.toFixed(2)]);
  }
  return bad;
}"""


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 23, 28)")])
async def test_letters_can_be_read_in_light_and_dark_and_any_colour(street: Street, scheme: str, paper: str):
    visit = await street.visit(color_scheme=scheme)
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, "see https://example.com")
    reply = await street.rig.team.reply(visitor, (Text("see "), Link("https://example.com/", "this")))
    await street.rig.team.attach(reply, "none", "bill.pdf", "application/pdf", 5)
    await street.rig.team.change(visitor, reply)
    for colour in ("", "#ffb020", "#7a7a7a", "#00aa88", "#111111", "#ffffff"):
        street.shop.script = f'data-color="{colour}"' if colour else ""
        await visit.open(street.shop.origin)
        await expect(visit.chat.locator(".file")).to_be_visible()
        assert await visit.frame.evaluate(CONTRAST) == [], colour
        assert await visit.frame.evaluate("getComputedStyle(document.querySelector('#panel')).backgroundColor") == paper


async def test_file_is_sent_shown_and_opened(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    photo: FilePayload = {"name": "photo.png", "mimeType": "image/png", "buffer": PNG}
    page: FilePayload = {"name": "page.html", "mimeType": "text/html", "buffer": b"<html>"}
    await visit.chat.locator("#file").set_input_files([photo, page])
    chips = visit.chat.locator(".chip")
    await expect(chips.nth(1)).to_contain_text("this type of file is not taken")
    await expect(chips.nth(0).locator("progress")).to_have_count(0)
    await visit.chat.get_by_role("button", name="Remove page.html").click()
    await expect(chips).to_have_count(1)
    await visit.write("here it is")
    await expect(visit.chat.locator(".mine:not(.pending) .picture img")).to_be_visible()
    await visit.page.reload()
    await visit.bubble.click()
    image = visit.chat.locator(".mine .picture img")
    await expect(image).to_have_js_property("naturalWidth", 1)
    async with visit.context.expect_page() as opening:
        await visit.chat.locator(".mine .picture").click()
    opened = await opening.value
    await until(lambda: "/media/" in opened.url)
    assert visit.problems == []


async def test_files_can_be_pasted_and_dropped(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    carry = "() => { const all = new DataTransfer(); all.items.add(new File(['Halo'], 'note.txt')); return all; }"
    carried = await visit.frame.evaluate_handle(carry)
    await visit.frame.dispatch_event("body", "dragenter", {"dataTransfer": carried})
    await expect(visit.chat.locator("#drop")).to_be_visible()
    await visit.frame.dispatch_event("body", "drop", {"dataTransfer": carried})
    await expect(visit.chat.locator("#drop")).to_be_hidden()
    await expect(visit.chat.locator(".chip")).to_contain_text(["note.txt"])
    await visit.frame.evaluate(
        "carried => document.querySelector('#text').dispatchEvent("
        "new ClipboardEvent('paste', { clipboardData: carried, cancelable: true }))",
        carried,
    )
    await expect(visit.chat.locator(".chip")).to_have_count(2)
    await expect(visit.chat.locator(".chip progress")).to_have_count(0)
    await visit.chat.locator("#send").click()
    await expect(visit.chat.locator(".mine:not(.pending) .file")).to_have_count(2)
    assert visit.problems == []
