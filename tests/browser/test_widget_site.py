"""The widget and the site around it: the host API, policies, pages that replace themselves, and bad connections."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Error, Route, WebSocketRoute, expect

from tests.browser.conftest import Street
from tests.browser.shop import Shop, Visit
from tests.browser.test_widget import arrived, as_client
from tests.databases import until
from tests.livechat.rig import proof

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

EARLY = """<script>
  window.sahut = window.sahut || function () { (sahut.q = sahut.q || []).push(arguments); };
  window.heard = [];
  for (const name of ["ready", "open", "close", "message", "unread"])
    sahut("on", name, (value) => heard.push([name, value]));
  CALLS
</script>"""


async def heard(visit: Visit) -> list[str]:
    return [name for name, _ in json.loads(await visit.page.evaluate("JSON.stringify(window.heard)"))]


async def test_calls_made_before_the_script_is_there_are_carried_out(street: Street):
    street.shop.before = EARLY.replace("CALLS", "sahut('open');")
    visit = await street.visit()
    await visit.page.goto(street.shop.origin)
    await expect(visit.chat.locator("#text")).to_be_focused()
    visitor = await arrived(street, visit, "hi")
    await visit.page.evaluate("sahut('close')")
    await street.rig.team.reply(visitor, "answer")
    await expect(visit.bubble.locator(".badge")).to_have_text("1")
    assert set(await heard(visit)) == {"ready", "open", "close", "message", "unread"}
    await visit.page.evaluate("sahut('nonsense')")
    assert visit.problems == []


async def test_site_proves_who_its_user_is_and_logs_them_out(street: Street):
    person = json.dumps({"user_id": "42", "hash": proof("42"), "name": "Budi"})
    street.shop.before = EARLY.replace("CALLS", f"sahut('identify', {person});")
    office = await street.rig.visitor(user_id="42", hash=proof("42"))
    await office.say("from the office")
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await expect(visit.chat.locator(".bubble")).to_have_text(["from the office"])
    assert (await as_client(street, visit)).id == "user:42"
    await visit.page.evaluate("sahut('logout')")
    await expect(visit.chat.locator(".bubble")).to_have_count(0)
    assert (await arrived(street, visit, "somebody else")).startswith("visitor:")
    await expect(visit.chat.locator(".bubble")).to_have_text(["somebody else"])
    assert visit.problems == []


async def test_proof_that_does_not_hold_changes_nothing(street: Street):
    victim = await street.rig.visitor(user_id="42", hash=proof("42"))
    await victim.say("private")
    street.shop.before = EARLY.replace("CALLS", "sahut('identify', {user_id: '42', hash: '0'.repeat(64)});")
    visit = await street.visit()
    await visit.open(street.shop.origin)
    assert (await arrived(street, visit, "hello")).startswith("visitor:")
    await expect(visit.chat.locator(".bubble")).to_have_text(["hello"])


async def test_strict_policy_of_the_site_is_enough(street: Street):
    street.shop.policy = "default-src 'none'; script-src BOT; frame-src BOT; require-trusted-types-for 'script'"
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "hi")
    assert await visit.bubble.evaluate("bubble => [bubble.offsetWidth, bubble.offsetHeight]") == [60, 60]
    # The site's own <style> is what its policy forbids; of ours nothing is.
    assert [problem for problem in visit.problems if "sahut" in problem or "widget" in problem] == []


async def test_site_that_is_not_listed_cannot_frame_the_chat(street: Street):
    visit = await street.visit()
    stranger = Shop()
    stranger.bot = street.shop.bot
    await stranger.start()
    await visit.page.goto(stranger.origin)
    await visit.bubble.click()
    await until(lambda: any("frame-ancestors" in problem for problem in visit.problems))
    await expect(visit.chat.locator("#text")).to_have_count(0)
    await stranger.stop()


async def test_browser_that_denies_the_frame_its_storage_keeps_the_history_all_the_same(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.foreign)
    with pytest.raises(Error, match="denied"):
        await visit.token()
    await visit.write("question")
    await expect(visit.chat.locator(".mine:not(.pending) .bubble")).to_have_text("question")
    await visit.chat.locator("#text").fill("half a thou")
    await visit.page.reload()
    await visit.bubble.click()
    await expect(visit.chat.locator(".bubble")).to_have_text(["question"])
    await expect(visit.chat.locator("#text")).to_have_value("half a thou")
    await visit.page.evaluate("sahut('logout')")
    await expect(visit.chat.locator(".bubble")).to_have_count(0)
    await visit.page.reload()
    await visit.bubble.click()
    await expect(visit.chat.locator("#text")).to_have_value("")
    await expect(visit.chat.locator(".bubble")).to_have_count(0)
    assert visit.problems == []


async def test_script_twice_makes_one_widget(street: Street):
    street.shop.before = f'<script src="{street.rig.base}/livechat/web/widget.js"></script>'
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await visit.page.evaluate(
        "src => { const script = document.createElement('script'); script.src = src; document.body.append(script);"
        " return new Promise((done) => { script.onload = done; }); }",
        f"{street.rig.base}/livechat/web/widget.js",
    )
    await expect(visit.page.locator("sahut-chat")).to_have_count(1)
    await expect(visit.page.locator("iframe")).to_have_count(1)


async def test_page_that_replaces_its_body_keeps_the_chat(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "before")
    await visit.page.evaluate(
        "() => { const body = document.createElement('body'); body.innerHTML = '<h1>Another page</h1>';"
        " document.documentElement.replaceChild(body, document.body); }"
    )
    await expect(visit.chat.locator(".bubble")).to_have_text(["before"])
    await arrived(street, visit, "after")
    await visit.page.evaluate("() => { document.body.innerHTML = '<h1>And another</h1>'; }")
    await expect(visit.chat.locator(".bubble")).to_have_text(["before", "after"])
    await expect(visit.page.locator("sahut-chat")).to_have_count(1)
    assert visit.problems == []


async def test_strangers_window_cannot_command_the_chat(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "mine")
    # A frame of another origin inside the site is neither the parent nor the chat.
    await visit.page.evaluate(
        "bot => new Promise((done) => { const frame = document.createElement('iframe'); frame.srcdoc = "
        "`<script>for (const to of [parent, ...Array.from(parent.frames)]) for (const type of ['logout', 'close']) "
        "to.postMessage({ sahut: 1, type }, '*');<\\/script>`;"
        " frame.sandbox = 'allow-scripts'; frame.onload = done; document.body.append(frame); })",
        street.rig.base,
    )
    await arrived(street, visit, "still mine")
    await expect(visit.chat.locator(".bubble")).to_have_text(["mine", "still mine"])
    await expect(visit.page.locator("sahut-chat .panel")).to_be_visible()


async def test_chat_speaks_the_language_of_the_site(street: Street):
    visit = await street.visit()
    for script, page, placeholder in (
        ('data-lang="id"', "en", "Tulis pesan…"),
        ("", "id-ID", "Tulis pesan…"),
        ("", "fr", "Write a message…"),
        ('data-lang="en-GB"', "id", "Write a message…"),
    ):
        street.shop.script = script
        street.shop.before = f"<script>document.documentElement.lang = '{page}'</script>"
        await visit.page.goto(street.shop.origin)
        await visit.bubble.click()
        await expect(visit.chat.locator("#text")).to_have_attribute("placeholder", placeholder)


async def test_options_of_the_script_are_obeyed(street: Street):
    street.shop.script = 'data-theme="dark" data-greeting="<b>Moin</b>" data-position="start" data-lang="ar"'
    visit = await street.visit(color_scheme="light")
    await visit.open(street.shop.origin)
    assert await visit.frame.evaluate("document.documentElement.dataset.theme") == "dark"
    assert await visit.frame.evaluate("document.documentElement.dir") == "rtl"
    await expect(visit.chat.locator("#greeting")).to_have_text("<b>Moin</b>")
    assert await visit.bubble.evaluate("bubble => bubble.offsetLeft") == 20


# ---------------------------------------------------------------- bad connections


async def test_message_that_could_not_be_sent_survives_a_reload_and_arrives_once(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "first")
    attempts: list[str] = []

    async def swallow(route: Route) -> None:
        """The server takes it, the answer is lost."""
        attempts.append(str(route.request.post_data))
        if len(attempts) == 1:
            await route.fetch()
        await route.abort()

    await visit.context.route("**/livechat/web/messages", swallow)
    await visit.write("second")
    await visit.write("third")
    await until(lambda: len(attempts) >= 1)
    await visit.page.reload()
    await visit.bubble.click()
    await expect(visit.chat.locator(".bubble")).to_have_text(["first", "second", "third"])
    await expect(visit.chat.locator(".pending .bubble")).to_have_text(["third"])
    await visit.context.unroute("**/livechat/web/messages")
    await expect(visit.chat.locator(".pending")).to_have_count(0)
    assert [row.body for row in await street.rig.team.messages()] == ["first", "second", "third"]
    await expect(visit.chat.locator(".bubble")).to_have_text(["first", "second", "third"])
    assert visit.problems == []


async def test_message_that_is_refused_says_so_and_can_be_tried_again(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    refusal = {"status": 400, "content_type": "application/json", "body": '{"error": "text"}'}
    await visit.context.route("**/livechat/web/messages", lambda route: route.fulfill(**refusal))
    await visit.write("hello")
    await expect(visit.chat.locator(".failed")).to_contain_text("Not sent.")
    await visit.page.reload()
    await visit.bubble.click()
    await expect(visit.chat.locator(".failed .bubble")).to_have_text("hello")
    await visit.context.unroute("**/livechat/web/messages")
    await visit.chat.get_by_role("button", name="Try again").click()
    await expect(visit.chat.locator(".mine:not(.pending, .failed) .bubble")).to_have_text("hello")
    assert [row.body for row in await street.rig.team.messages()] == ["hello"]
    await visit.page.reload()
    await visit.bubble.click()
    await expect(visit.chat.locator(".failed")).to_have_count(0)


async def test_socket_that_is_cut_is_made_again_and_nothing_is_missed_or_doubled(street: Street):
    visit = await street.visit()
    sockets: list[WebSocketRoute] = []

    def pass_on(ws: WebSocketRoute) -> None:
        ws.connect_to_server()
        sockets.append(ws)

    await visit.context.route_web_socket("**/livechat/web/ws", pass_on)
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, "question")
    for number in range(3):
        await until(lambda: len(sockets) > number)  # noqa: B023
        await street.rig.team.reply(visitor, f"before {number}")
        await expect(visit.chat.locator(".bubble").last).to_have_text(f"before {number}")
        await sockets[-1].close()
        await street.rig.team.reply(visitor, f"after {number}")
        await expect(visit.chat.locator(".bubble").last).to_have_text(f"after {number}")
    texts = [f"{when} {number}" for number in range(3) for when in ("before", "after")]
    await expect(visit.chat.locator(".bubble")).to_have_text(["question", *texts])


async def test_without_sockets_long_polls_do_the_same(street: Street):
    visit = await street.visit()
    await visit.context.route_web_socket("**/livechat/web/ws", lambda ws: ws.close())
    await visit.open(street.shop.origin)
    visitor = await arrived(street, visit, "question")
    reply = await street.rig.team.reply(visitor, "answer")
    await expect(visit.chat.locator(".bubble")).to_have_text(["question", "answer"])
    await until(lambda: street.rig.lobby.presence.visits("web", visitor) > 0)
    await street.rig.lobby.channels["web"].typing(visitor, 5)
    await expect(visit.chat.locator("#typing")).to_be_visible()
    state = ""
    while state != "read":
        state = await street.rig.team.delivery(reply)
    assert visit.problems == []


async def test_two_tabs_show_the_same(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "from one tab")
    other = await visit.tab()
    await other.open(street.shop.origin)
    await expect(other.chat.locator(".bubble")).to_have_text(["from one tab"])
    await arrived(street, other, "from the other")
    await expect(visit.chat.locator(".bubble")).to_have_text(["from one tab", "from the other"])
    await other.page.evaluate("sahut('logout')")
    await expect(visit.chat.locator(".bubble")).to_have_count(0)


async def test_unsent_messages_of_two_tabs_are_both_kept(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "first")
    other = await visit.tab()
    await other.open(street.shop.origin)
    await expect(other.chat.locator(".bubble")).to_have_text(["first"])
    await visit.context.route("**/livechat/web/messages", lambda route: route.abort())
    for tab, text in ((visit, "from one"), (other, "from the other")):
        await tab.write(text)
        await expect(tab.chat.locator(".pending")).to_contain_text("Waiting for a connection")
    await other.page.close()
    await visit.page.reload()
    await visit.bubble.click()
    await expect(visit.chat.locator(".pending .bubble")).to_have_text(["from one", "from the other"])
    await visit.context.unroute("**/livechat/web/messages")
    await expect(visit.chat.locator(".pending")).to_have_count(0)
    assert [row.body for row in await street.rig.team.messages()] == ["first", "from one", "from the other"]


async def test_token_that_the_server_forgot_is_replaced_and_the_message_goes(street: Street):
    visit = await street.visit()
    await visit.open(street.shop.origin)
    await arrived(street, visit, "before")
    await visit.frame.evaluate(
        "token => localStorage.setItem('sahut:web:me', JSON.stringify({ token, user: '', at: Date.now() }))",
        "x." + "y" * 43,
    )
    await visit.page.reload()
    await visit.bubble.click()
    await arrived(street, visit, "after")
    assert [row.body for row in await street.rig.team.messages()] == ["before", "after"]


# ---------------------------------------------------------------- the form, the page on its own


async def test_form_that_is_required_comes_before_the_first_message_and_only_once(street: Street):
    visit = await street.visit()
    page = visit.page
    await page.goto(f"{street.rig.base}/livechat/form/")
    await expect(page.locator("#name")).to_be_focused()
    await expect(page.locator("#composer")).to_be_hidden()
    await page.locator("#begin").click()
    await expect(page.locator("#wrong")).to_have_text("Please tell us your name.")
    await page.locator("#name").fill("Budi")
    await page.locator("#email").fill("nonsense")
    await page.keyboard.press("Enter")
    await expect(page.locator("#wrong")).to_contain_text("e-mail address")
    await page.locator("#email").fill("budi@example.com")
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("hello")
    await page.keyboard.press("Enter")
    await expect(page.locator(".mine:not(.pending)")).to_have_count(1)
    (row,) = await street.rig.team.messages()
    assert row.body == "hello"
    await page.reload()
    await expect(page.locator("#text")).to_be_visible()
    await expect(page.locator("#intro")).to_be_hidden()
    assert visit.problems == []


async def test_form_that_is_optional_can_be_skipped(street: Street):
    visit = await street.visit()
    await visit.page.goto(f"{street.rig.base}/livechat/ask/")
    await visit.page.get_by_role("button", name="Skip").click()
    await expect(visit.page.locator("#text")).to_be_focused()
    await visit.page.reload()
    await expect(visit.page.locator("#text")).to_be_visible()


async def test_who_only_looks_leaves_no_trace(street: Street):
    visit = await street.visit()
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    await visit.open(street.shop.origin)
    await visit.chat.locator("#text").fill("not sent")
    await visit.bubble.click()
    assert not [url for url in asked if url.endswith(("/session", "/messages", "/ws"))]
    assert await visit.context.cookies() == []


async def test_page_on_its_own_is_a_whole_chat(street: Street):
    visit = await street.visit()
    await visit.page.goto(f"{street.rig.base}/livechat/web/?lang=id")
    await expect(visit.page).to_have_title("Toko Sari")
    await expect(visit.page.locator("#minimise")).to_be_hidden()
    await visit.page.locator("#text").fill("halo")
    await visit.page.locator("#send").click()
    await expect(visit.page.locator(".mine:not(.pending) .bubble")).to_have_text("halo")
    assert visit.problems == []
