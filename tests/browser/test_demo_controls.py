"""The demo's page: the card, forms, App Home, commands, shortcuts, threads, keys, narrow screens."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from sahut_bot.sandbox.demo_stage import Customer
from sahut_bot.sandbox.demo_visitor import VisitorClient
from tests.browser.demo_kit import Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def customers(desk: Desk, count: int) -> None:
    """So many conversations, each of another customer."""
    for number in range(1, count + 1):
        who = Customer(user_id=f"c{number}", name=f"Customer {number}", email="")
        async with VisitorClient(desk.demo.url, "web", who) as visitor:
            await visitor.write(f"Question {number}")
    await expect(desk.said(f"Question {count}", desk.main).locator(".replies")).to_be_visible()


# ---------------------------------------------------------------- the card and its forms


async def test_snooze_form_shows_what_is_wrong_and_takes_what_is_right(desk: Desk):
    await desk.begin()
    await desk.press("Snooze…")
    await expect(desk.dialog.get_by_role("heading", name="Snooze")).to_be_visible()
    when = desk.dialog.get_by_role("textbox", name="Or another time")
    await when.fill("next blue moon")
    await desk.submit()
    await expect(desk.dialog.get_by_role("alert")).to_contain_text("“next blue moon” is not a time I understand")
    await expect(when).to_be_focused()
    await expect(when).to_have_value("next blue moon")
    await when.fill("")
    await desk.choose("Until", "Next Monday")
    await desk.choose("If the customer writes before", "Nothing wakes it before the time")
    await desk.submit()
    await expect(desk.dialog).to_have_count(0)
    await expect(desk.card("Snoozed until")).to_contain_text("9:00")
    await desk.said("snoozed it until").get_by_role("button", name="Undo").click()
    await expect(desk.card("Status")).to_contain_text("Open")


async def test_form_is_closed_by_button_cross_and_escape(desk: Desk):
    await desk.begin()
    for close in ("Close", "Close window"):
        await desk.press("Snooze…")
        await desk.dialog.get_by_role("button", name=close, exact=True).click()
        await expect(desk.dialog).to_have_count(0)
    await desk.press("Snooze…")
    await expect(desk.dialog.get_by_role("combobox", name="Until")).to_be_focused()
    await desk.page.keyboard.press("Escape")
    await expect(desk.dialog).to_have_count(0)
    await expect(desk.thread.get_by_role("button", name="Snooze…")).to_be_focused()


async def test_assigning_calls_the_new_owner(desk: Desk):
    await desk.begin()
    await desk.press("Assign…")
    await desk.submit()
    await expect(desk.dialog.get_by_role("alert")).to_have_text("Please complete this required field.")
    await desk.choose("Assign to", "Citra Dewi · online")
    await desk.submit()
    await expect(desk.card("Owner")).to_contain_text("Citra Dewi")
    await desk.be("Citra Dewi", "agent")
    await expect(desk.team.locator(".sidebar .count-badge")).to_have_text("1")
    await expect(desk.main.locator(".replies")).to_contain_text("New")
    await desk.go("Threads")
    await desk.main.locator(".thread-row").click()
    await expect(desk.said("assigned it to").locator(".mention.me")).to_have_text("@Citra Dewi")
    await expect(desk.team.locator(".sidebar .count-badge")).to_have_count(0)


async def test_more_leads_to_priority_labels_and_the_contact(desk: Desk):
    await desk.begin()
    await desk.press("More…")
    await desk.choose("What would you like to do?", "Priority…")
    await desk.submit()
    await desk.choose("Priority", "urgent")
    await desk.submit()
    await expect(desk.card("Priority")).to_contain_text("urgent")
    for new in ("vip", "refund"):
        await desk.press("More…")
        await desk.choose("What would you like to do?", "Labels…")
        await desk.submit()
        await desk.dialog.get_by_role("textbox", name="New labels").fill(new)
        await desk.submit()
        await expect(desk.card("Labels")).to_contain_text(new)
    await desk.press("More…")
    await desk.choose("What would you like to do?", "Labels…")
    await desk.submit()
    await desk.dialog.get_by_role("button", name="Remove vip").click()
    await desk.submit()
    await expect(desk.card("Labels")).to_have_text(re.compile("Labels\\s*refund"))
    await desk.press("More…")
    await desk.choose("What would you like to do?", "Contact")
    await desk.submit()
    await expect(desk.dialog.or_(desk.thread.locator(".ephemeral"))).to_contain_text("rina@example.com")


async def test_resolving_reopening_and_releasing_change_the_card(desk: Desk):
    await desk.begin()
    await desk.claim()
    await desk.press("Resolve")
    await expect(desk.card("Status")).to_contain_text("Resolved")
    await desk.press("Reopen")
    await expect(desk.card("Status")).to_contain_text("Open")
    await desk.press("Release")
    await expect(desk.card("Owner")).to_contain_text("Unassigned")
    await desk.press("Resolve")
    await expect(desk.thread.get_by_role("button", name="Reopen")).to_be_visible()
    await desk.write("One more thing")
    await expect(desk.card("Status")).to_contain_text("Open")
    # Nobody owns it, so the message is shown in the channel as well.
    await expect(desk.said("One more thing", desk.main)).to_contain_text("replied to a thread")


async def test_question_about_a_held_reply_is_answered_by_its_buttons(desk: Desk):
    await desk.begin()
    await desk.claim()
    await desk.be("Bram Setiawan", "agent")
    await desk.main.locator(".replies").click()
    reply = await desk.reply("I can help you, Rina")
    await expect(reply.locator(".reactions")).to_contain_text("✋")
    question = desk.thread.locator(".ephemeral")
    await question.get_by_role("button", name="Take over and send").click()
    await expect(desk.answers("I can help you, Rina")).to_be_visible()
    await expect(desk.card("Owner")).to_contain_text("Bram Setiawan")
    await desk.reply("Note - not for her")
    await desk.thread.locator(".ephemeral").get_by_role("button", name="Make it a note").click()
    await expect(desk.mark(desk.said("Note - not for her").first, "lock")).to_be_visible()


# ---------------------------------------------------------------- shortcuts and commands


async def test_message_shortcut_writes_a_note(desk: Desk):
    await desk.begin()
    await desk.tool(desk.said("Rina Wijaya (customer)"), "More actions")
    await desk.menu.get_by_role("menuitem", name="Internal note").click()
    await desk.dialog.get_by_role("textbox", name="Text").fill("Her third order this week")
    await desk.submit()
    await expect(desk.dialog).to_have_count(0)
    note = desk.said("Her third order this week")
    await expect(note.locator(".who")).to_contain_text("Ayu Lestari")
    await expect(desk.answers("third order")).to_have_count(0)


async def test_slash_commands_are_offered_and_run_outside_threads(desk: Desk):
    await desk.begin()
    field = desk.main.locator(".composer-field")
    await field.press_sequentially("/sno")
    await expect(desk.main.get_by_role("option", name="/snooze")).to_contain_text("Put a conversation away")
    await field.press("Enter")
    await field.press_sequentially("#1 2h")
    await field.press("Enter")
    await expect(desk.card("Status")).to_contain_text("Snoozed")
    await field.fill("/sahut help")
    await field.press("Enter")
    answer = desk.main.locator(".ephemeral", has_text="this list")
    await expect(answer).to_contain_text("Only visible to you")
    await expect(answer).to_be_in_viewport()
    await answer.get_by_role("button", name="Dismiss message").click()
    await expect(answer).to_have_count(0)
    await field.fill("/inbox all status:any")
    await field.press("Enter")
    await expect(desk.main.locator(".ephemeral").last).to_contain_text("#1 · Live chat · Rina Wijaya")
    await field.fill("/nonsense")
    await field.press("Enter")
    await expect(desk.toasts).to_contain_text("/nonsense is not a valid command.")
    await field.fill("")
    await desk.thread.locator(".composer-field").fill("/snooze 2h")
    await desk.thread.locator(".composer-field").press("Enter")
    await expect(desk.toasts).to_contain_text("/snooze is not supported in threads. Sorry!")
    await desk.thread.locator(".composer-field").fill("")
    await desk.reply("!wake")
    await expect(desk.card("Status")).to_contain_text("Open")
    await desk.reply("@sahut resolve")
    await expect(desk.card("Status")).to_contain_text("Resolved")


# ---------------------------------------------------------------- App Home


async def test_app_home_filters_pages_and_acts(desk: Desk):
    await customers(desk, 9)
    await desk.go("sahut")
    home = desk.main.get_by_role("tabpanel", name="Home")
    rows = home.locator(".kit-section", has_text="Question")
    await expect(rows).to_have_count(8)
    await expect(rows.first).to_contain_text("Question 9")
    await home.get_by_role("button", name="Next").click()
    await expect(rows).to_have_count(1)
    last = await rows.inner_text()
    await home.get_by_role("button", name="Claim").click()
    await expect(rows).not_to_have_text([last], use_inner_text=True)  # it went to the front
    await home.get_by_role("button", name="Mine").click()
    await expect(rows).to_have_text([last], use_inner_text=True)
    await home.get_by_role("button", name="Resolve", exact=True).click()
    await expect(home.get_by_text("Nothing here.")).to_be_visible()
    await home.get_by_role("button", name="Resolved").click()
    await expect(home.get_by_role("button", name="Reopen")).to_be_visible()
    await desk.main.get_by_role("tab", name="About").click()
    await expect(desk.main.get_by_text("/snooze")).to_be_visible()
    await desk.main.get_by_role("tab", name="Home").click()
    await expect(home.get_by_role("button", name="Reopen")).to_be_visible()
    await rows.get_by_role("link", name="Live chat").click()
    await expect(desk.card("Status")).to_contain_text("Resolved")
    await desk.be("Gus Halim", "guest")
    await desk.go("sahut")
    await expect(home).to_contain_text("This inbox is for the agents of the team channel.")


# ---------------------------------------------------------------- threads, keys, looks


async def test_threads_are_listed_the_newest_first_and_marked_when_new(desk: Desk):
    await customers(desk, 2)
    entry = desk.team.locator(".sidebar").get_by_role("button", name="Threads")
    await expect(entry.locator(".dot")).to_be_visible()
    await desk.go("Threads")
    rows = desk.main.locator(".thread-row")
    await expect(rows).to_have_text([re.compile("Customer 2.*New"), re.compile("Customer 1.*New")])
    await rows.first.click()
    await expect(desk.said("Question 2")).not_to_have_count(0)
    await expect(rows.first.locator(".new")).to_have_count(0)
    await rows.last.click()
    await expect(entry.locator(".dot")).to_have_count(0)


async def test_everything_can_be_done_with_keys(desk: Desk):
    await desk.write("Where is my order?")
    keys = desk.page.keyboard
    await expect(desk.main.locator(".replies")).to_be_visible()
    await desk.main.locator(".scroll").focus()
    await keys.press("ArrowUp")
    await expect(desk.main.locator(".msg")).to_be_focused()
    await keys.press("t")
    field = desk.thread.locator(".composer-field")
    await expect(field).to_be_focused()
    await keys.type("It is on its wya")
    await keys.press("Enter")
    await expect(desk.said("wya")).to_be_visible()
    await keys.press("ArrowUp")
    await expect(desk.thread.get_by_role("textbox", name="Edit message")).to_be_focused()
    await keys.press("Backspace")
    await keys.press("Backspace")
    await keys.type("ay")
    await keys.press("Enter")
    await expect(field).to_be_focused()
    await expect(desk.said("on its way")).to_contain_text("(edited)")
    await desk.thread.locator(".scroll").focus()
    await keys.press("ArrowUp")
    await keys.press("r")
    await expect(desk.page.get_by_role("searchbox", name="Search emoji")).to_be_focused()
    await keys.press("ArrowDown")
    await keys.press("ArrowRight")
    await keys.press("Enter")
    await expect(desk.said("on its way").locator('[data-reaction="eyes"]')).to_be_visible()
    await desk.said("on its way").focus()
    await keys.press("Delete")
    await expect(desk.dialog.get_by_role("button", name="Delete")).to_be_focused()
    await keys.press("Enter")
    await expect(desk.said("on its way")).to_have_count(0)
    await desk.thread.get_by_role("button", name="Snooze…").focus()
    await keys.press("Enter")
    menu = desk.dialog.get_by_role("combobox", name="Until")
    await expect(menu).to_be_focused()
    await keys.press("ArrowDown")
    await keys.press("ArrowUp")
    await keys.press("Enter")
    await expect(menu).to_have_value("1 hour")
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(desk.card("Status")).to_contain_text("Snoozed")
    await desk.thread.locator(".scroll").focus()
    await keys.press("Escape")
    await expect(desk.thread).to_be_hidden()


async def test_focus_stays_inside_a_form(desk: Desk):
    await desk.begin()
    await desk.press("Snooze…")
    await expect(desk.dialog).to_be_visible()
    for _ in range(12):
        await desk.page.keyboard.press("Tab")
        assert await desk.page.evaluate("document.activeElement.closest('[role=dialog]') !== null")
    await desk.page.keyboard.press("Escape")
    await expect(desk.dialog).to_have_count(0)


async def test_phone_shows_one_side_at_a_time(desk: Desk, chromium: Browser):
    phone = await Desk.open(desk.demo, chromium, viewport={"width": 360, "height": 740})
    await expect(phone.team).to_be_hidden()
    await phone.write("From my phone")
    await phone.page.get_by_role("tab", name="Customer").press("ArrowRight")
    await expect(phone.page.get_by_role("tab", name="Team")).to_be_focused()
    await phone.main.locator(".replies").click()
    await expect(phone.main).to_be_hidden()
    await phone.press("Claim")
    await expect(phone.thread.get_by_role("button", name="Release")).to_be_visible()
    await phone.press("Snooze…")
    await phone.dialog.get_by_role("button", name="Close", exact=True).click()
    await phone.thread.get_by_role("button", name="Back").click()
    await phone.main.get_by_role("button", name="Channels").click()
    await phone.go("general")
    await expect(phone.main.get_by_role("heading", name="general").first).to_be_visible()
    assert await phone.page.evaluate("document.documentElement.scrollWidth") == 360
    await phone.page.get_by_role("tab", name="Customer").click()
    await expect(phone.chat.get_by_text("From my phone")).to_be_visible()
    assert phone.visit.problems == []


async def test_colours_follow_the_system_and_the_button(desk: Desk, chromium: Browser):
    night = await Desk.open(desk.demo, chromium, color_scheme="dark")
    html = night.page.locator("html")
    await expect(html).to_have_attribute("data-theme", "dark")
    await expect(night.shop.locator("html")).to_have_attribute("data-theme", "dark")
    await night.page.get_by_role("button", name="Use light colours").click()
    await expect(html).to_have_attribute("data-theme", "light")
    await night.page.reload()
    await expect(html).to_have_attribute("data-theme", "light")
    assert night.visit.problems == []
