"""The demo's page: what passes between the customer and the team, with every control of a message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, expect

from tests.browser.demo_kit import PDF, Desk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HOSTILE = '<img src=x onerror="top.hacked=1"><script>top.hacked=1</script> <!channel> *loud* _low_ :tada: > not a quote'


async def test_customers_message_becomes_a_thread_and_the_reply_comes_back(desk: Desk):
    await desk.write("Where is my order?")
    card = desk.said("#1 · Live chat · Rina Wijaya", desk.main)
    await expect(card).to_contain_text("Where is my order?")
    await expect(card.locator(".replies")).to_contain_text("1 reply")
    await card.locator(".replies").click()
    await expect(desk.said("Rina Wijaya (customer)")).to_contain_text("Where is my order?")
    await desk.claim()
    await expect(desk.thread.get_by_role("button", name="Release")).to_be_visible()
    reply = await desk.reply("It is on its way, Rina :truck:")
    await expect(desk.mark(reply, "hourglass_flowing_sand")).to_be_visible()
    await expect(desk.chat.locator("#typing")).to_be_visible()
    await expect(desk.answers("It is on its way, Rina 🚚")).to_be_visible()
    await expect(desk.mark(reply, "eyes")).to_be_visible()  # the chat is open, so it was on screen
    await expect(reply.locator(".reaction")).to_have_count(2)  # that mark, and the button for more
    await expect(desk.card("Status")).to_contain_text("Pending")


async def test_note_stays_in_the_team(desk: Desk):
    await desk.begin()
    note = await desk.reply("; she is angry, be kind")
    await expect(desk.mark(note, "lock")).to_be_visible()
    await desk.reply("We are looking into it.")
    await expect(desk.answers("We are looking into it.")).to_be_visible()
    await expect(desk.chat.locator(".msg")).to_have_count(2)


async def test_own_message_is_edited_and_deleted_for_the_customer_too(desk: Desk):
    await desk.begin()
    reply = await desk.reply("It will come on Firday.")
    await expect(desk.answers("It will come on Firday.")).to_be_visible()
    await desk.tool(reply, "More actions")
    await desk.menu.get_by_role("menuitem", name="Edit message").click()
    field = desk.thread.get_by_role("textbox", name="Edit message")
    await expect(field).to_have_value("It will come on Firday.")
    await field.fill("It will come on Friday.")
    await desk.thread.get_by_role("button", name="Save").click()
    await expect(desk.answers("It will come on Friday.")).to_contain_text("edited")
    changed = desk.said("It will come on Friday.")
    await expect(changed).to_contain_text("(edited)")
    await desk.tool(changed, "More actions")
    await desk.menu.get_by_role("menuitem", name="Delete message").click()
    await desk.dialog.get_by_role("button", name="Cancel").click()
    await expect(changed).to_be_visible()
    await desk.tool(changed, "More actions")
    await desk.menu.get_by_role("menuitem", name="Delete message").click()
    await desk.dialog.get_by_role("button", name="Delete").click()
    await expect(changed).to_have_count(0)
    await expect(desk.answers("deleted")).to_be_visible()


async def test_what_comes_meanwhile_moves_no_buttons_and_takes_neither_focus_nor_click_away(desk: Desk):
    await desk.begin()
    await desk.claim()
    me, (root, *_) = desk.demo.stage.actor("admin").id, desk.slack.messages(desk.room)
    reply = await desk.reply("; she called before")
    await expect(desk.mark(reply, "lock")).to_be_visible()
    await reply.focus()
    desk.slack.driver.react(me, desk.room, str(await reply.get_attribute("data-ts")), "tada")
    await expect(desk.mark(reply, "tada")).to_be_visible()
    await expect(reply).to_be_focused()

    await reply.hover()
    await expect(reply.locator(".toolbar")).to_be_visible()
    for line in range(10):
        desk.slack.driver.post(me, desk.room, f"; line {line}", thread_ts=root["ts"])
    await expect(desk.mark(desk.thread, "lock")).to_have_count(11)
    await expect(reply.locator(".toolbar")).to_have_count(1)

    await reply.get_by_role("button", name="More actions").hover()
    await desk.page.mouse.down()
    desk.slack.driver.react(me, desk.room, str(await reply.get_attribute("data-ts")), "truck")
    desk.slack.driver.post(me, desk.room, "It is on its way.", thread_ts=root["ts"])
    await expect(desk.answers("It is on its way.")).to_be_visible()
    await desk.page.mouse.up()
    await expect(desk.menu.get_by_role("menuitem", name="Edit message")).to_be_visible()
    await expect(desk.mark(reply, "truck")).to_be_visible()


async def test_hostile_text_stays_text_on_both_sides(desk: Desk):
    await desk.begin(HOSTILE, "onerror")
    mirrored = desk.said("Rina Wijaya (customer)").locator(".said")
    await expect(mirrored).to_contain_text('<img src=x onerror="top.hacked=1"><script>top.hacked=1</script> <!channel>')
    assert await mirrored.locator("img, script, b, i, blockquote, .mention, .emoji").count() == 0
    await desk.reply(HOSTILE.replace("<!channel>", ""))
    answer = desk.answers("onerror").locator(".bubble")
    await expect(answer).to_contain_text('<img src=x onerror="top.hacked=1">')
    assert await answer.locator("img, script").count() == 0
    assert await desk.page.evaluate("window.hacked") is None
    assert desk.slack.pings == []


@pytest.mark.slow
async def test_files_go_both_ways(desk: Desk):
    await desk.begin()
    await desk.attach(PDF)
    await desk.chat.locator("#text").press("Enter")
    shown = desk.thread.locator("a.file", has_text="receipt.pdf")
    await expect(shown).to_be_visible()
    async with desk.page.expect_download() as caught:
        await shown.click()
    download = await caught.value
    assert Path(await download.path()).read_bytes() == PDF["buffer"]

    picture = FilePayload(name="label.png", mimeType="image/png", buffer=_png())
    other = FilePayload(name="wrong.txt", mimeType="text/plain", buffer=b"not this one")
    await desk.thread.locator(".composer input[type=file]").set_input_files([picture, other])
    await desk.thread.get_by_role("button", name="Remove wrong.txt").click()
    await desk.reply("Here is your label")
    sent = desk.said("Here is your label")
    await expect(sent.locator(".picture img")).to_have_js_property("naturalWidth", 1)
    await expect(desk.answers("Here is your label").locator("img")).to_be_visible()
    await expect(desk.chat.get_by_text("wrong.txt")).to_have_count(0)


def _png() -> bytes:
    return bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360f8cfc0f01f0005000201e221bc330000000049454e44ae426082"
    )


@pytest.mark.slow
async def test_reactions_are_added_and_taken_back(desk: Desk):
    await desk.begin()
    message = desk.said("Rina Wijaya (customer)")
    await desk.tool(message, "React with raised hands")
    chip = desk.mark(message, "raised_hands")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await chip.click()
    await expect(chip).to_have_count(0)
    await desk.tool(message, "Find another reaction")
    await desk.page.get_by_role("searchbox", name="Search emoji").fill("truck")
    await desk.page.get_by_role("option", name="truck").click()
    await expect(desk.mark(message, "truck")).to_contain_text("1")
    await desk.tool(message, "Add reaction")
    await desk.page.get_by_role("searchbox", name="Search emoji").press("Escape")
    await expect(desk.page.get_by_role("option", name="truck")).to_have_count(0)


@pytest.mark.slow
async def test_reply_is_also_sent_to_the_channel(desk: Desk):
    await desk.begin()
    await desk.thread.get_by_label("Also send to #support").check()
    await desk.reply("Everyone: the courier is on strike")
    shown = desk.said("Everyone: the courier is on strike", desk.main)
    await expect(shown).to_contain_text("replied to a thread: #1 · Live chat · Rina Wijaya")
    await expect(desk.thread.get_by_label("Also send to #support")).not_to_be_checked()
    await desk.thread.get_by_role("button", name="Close thread").click()
    await shown.locator(".above .link").click()
    await expect(desk.thread.get_by_text("Also sent to the channel")).to_be_visible()


@pytest.mark.slow
async def test_composer_formats_mentions_and_offers_emoji(desk: Desk):
    await desk.go("general")
    field = desk.main.locator(".composer-field")
    await field.fill("great")
    await field.select_text()
    await desk.main.get_by_role("button", name="Bold").click()
    await field.press("End")
    await field.press_sequentially(" job @cit")
    await expect(desk.main.get_by_role("option", name="Citra Dewi")).to_be_visible()
    await field.press("Enter")
    await field.press_sequentially(":tad")
    await desk.main.get_by_role("option", name="tada").click()
    await desk.main.get_by_role("button", name="Send now").click()
    message = desk.said("great", desk.main)
    await expect(message.locator("b", has_text="great")).to_have_css("font-weight", "700")
    await expect(message.locator(".mention")).to_have_text("@Citra Dewi")
    await expect(message.locator(".emoji")).to_contain_text("🎉")
    await desk.be("Citra Dewi", "agent")
    entry = desk.team.locator(".sidebar").get_by_role("button", name="general")
    await expect(entry.locator(".count-badge")).to_have_count(0)  # she has read it: it stands on her screen
    await desk.go("support")
    await desk.be("Ayu Lestari", "admin")
    await desk.go("general")
    await desk.main.get_by_role("button", name="Mention someone").click()
    await desk.main.get_by_role("option", name="Citra Dewi").click()
    await field.press("Enter")
    await desk.go("support")
    await desk.be("Citra Dewi", "agent")
    await expect(entry.locator(".count-badge")).to_have_text("1")


@pytest.mark.slow
async def test_guest_sees_the_thread_and_cannot_answer(desk: Desk):
    await desk.begin()
    await desk.be("Gus Halim", "guest")
    await expect(desk.team.locator(".sidebar").get_by_role("button", name="general")).to_have_count(0)
    await desk.main.locator(".replies").click()
    await desk.reply("Hello from a guest")
    private = desk.thread.locator(".ephemeral")
    await expect(private).to_contain_text("Only visible to you")
    await expect(private).to_contain_text("Only agents can do this: nothing was sent or changed.")
    await private.get_by_role("button", name="Dismiss message").click()
    await expect(private).to_have_count(0)
    await desk.be("Ayu Lestari", "admin")
    await desk.main.locator(".replies").click()
    await desk.reply("Hello from the team")
    await expect(desk.answers("Hello from the team")).to_be_visible()
    await expect(desk.answers("Hello from a guest")).to_have_count(0)


async def test_customers_of_one_browser_do_not_see_each_others_chat(desk: Desk):
    await desk.begin("I am Rina")
    await desk.shop.get_by_label("Shopping as").select_option(label="Tom Becker")
    await expect(desk.chat.locator(".msg")).to_have_count(0)
    await desk.write("I am Tom")
    await expect(desk.said("#2 · Live chat · Tom Becker", desk.main)).to_be_visible()
    await desk.shop.get_by_label("Shopping as").select_option(label="a visitor")
    await desk.write("I am nobody")
    await expect(desk.said("#3 · Live chat", desk.main)).to_be_visible()
    await desk.shop.get_by_label("Shopping as").select_option(label="Rina Wijaya")
    await desk.open_chat()
    await expect(desk.chat.locator(".msg")).to_have_text([re.compile("I am Rina")])
    await desk.page.get_by_role("button", name="Load the shop again").click()
    await desk.open_chat()
    await expect(desk.chat.locator(".msg")).to_have_text([re.compile("I am Rina")])
