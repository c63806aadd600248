"""Block Kit and view limits: each row is refused by the stand-in, at the place it says."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, InputBlock, PlainTextInputElement, SectionBlock
from slack_sdk.models.views import View

from sahut_bot.sandbox.slack.blocks import checked, message_blocks, with_ids
from sahut_bot.sandbox.slack.checking import HOME, MESSAGE, MODAL
from sahut_bot.sandbox.slack.failure import ApiError
from sahut_bot.sandbox.slack.views import check_view
from tests.sandbox.slack_kit import actions, button, modal, plain, text_input


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def option(text: str = "One", value: str = "1", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **more}


def menu(*options: dict[str, Any], kind: str = "static_select", **more: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": "menu", "options": list(options), **more}


def rich(*parts: dict[str, Any], kind: str = "rich_text_section") -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(parts)}]}


CONFIRM = {"title": plain("Sure?"), "text": plain("Really"), "confirm": plain("Yes"), "deny": plain("No")}

GOOD: dict[str, dict[str, Any]] = {
    "section": section("x" * 3000),
    "fields": {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 200}] * 10},
    "accessory": section(accessory=menu(option(), option("Two", "2"))),
    "buttons": actions(*(button("x" * 75, f"a{number}", value="v" * 2000) for number in range(25))),
    "confirm": actions(button(confirm=CONFIRM, style="danger")),
    "overflow": actions(menu(option(), option("Two", "2"), kind="overflow")),
    "menu of a hundred": actions(menu(*(option(value=f"{number}") for number in range(100)))),
    "initial option": actions(menu(option(), initial_option=option())),
    "groups": actions({"type": "static_select", "option_groups": [{"label": plain("G"), "options": [option()]}]}),
    "people": actions({"type": "users_select", "action_id": "who", "initial_user": "U1"}),
    "date": actions({"type": "datepicker", "initial_date": "2026-12-01"}),
    "boxes": actions({"type": "checkboxes", "options": [option()], "initial_options": [option()]}),
    "context": {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
    "header": {"type": "header", "text": plain("x" * 150)},
    "divider": {"type": "divider"},
    "image": {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"},
    "markdown": {"type": "markdown", "text": "**x**"},
    "rich text": rich({"type": "text", "text": "x", "style": {"bold": True}}, {"type": "user", "user_id": "U1"}),
    "input": text_input(),
}

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown type": ({"type": "carousel2"}, "/blocks/0"),
    "unknown property": (section(colour="red"), "/blocks/0/colour"),
    "section too long": (section("x" * 3001), "/blocks/0/text/text"),
    "empty text": (section(""), "/blocks/0/text/text"),
    "no text and no fields": ({"type": "section"}, "/blocks/0"),
    "too many fields": ({"type": "section", "fields": [plain("x")] * 11}, "/blocks/0/fields"),
    "field too long": ({"type": "section", "fields": [plain("x" * 2001)]}, "/blocks/0/fields/0/text"),
    "bare string": ({"type": "section", "text": "x"}, "/blocks/0/text"),
    "emoji flag on mrkdwn": (
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
        "/emoji",
    ),
    "header in mrkdwn": ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "/blocks/0/text"),
    "header too long": ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
    "no elements": (actions(), "/blocks/0/elements"),
    "too many buttons": (actions(*(button(action_id=f"{n}") for n in range(26))), "/blocks/0/elements"),
    "label too long": (actions(button("x" * 76)), "/elements/0/text/text"),
    "value too long": (actions(button(value="x" * 2001)), "/elements/0/value"),
    "action id too long": (actions(button(action_id="x" * 256)), "/elements/0/action_id"),
    "same action id twice": (actions(button(), button("Two")), "/elements/1/action_id"),
    "block id too long": (section(block_id="x" * 256), "/blocks/0/block_id"),
    "unknown style": (actions(button(style="blue")), "/elements/0/style"),
    "bad link": (actions(button(url="javascript:alert(1)")), "/elements/0/url"),
    "context too full": ({"type": "context", "elements": [plain("x")] * 11}, "/blocks/0/elements"),
    "button in context": ({"type": "context", "elements": [button()]}, "/blocks/0/elements/0"),
    "overflow of one": (actions(menu(option(), kind="overflow")), "/elements/0/options"),
    "overflow of six": (actions(menu(*[option()] * 6, kind="overflow")), "/elements/0/options"),
    "too many options": (actions(menu(*[option()] * 101)), "/elements/0/options"),
    "option too long": (actions(menu(option("x" * 76))), "/options/0/text/text"),
    "option value too long": (actions(menu(option(value="x" * 151))), "/options/0/value"),
    "option in mrkdwn": (actions(menu({"text": {"type": "mrkdwn", "text": "x"}, "value": "1"})), "/options/0/text"),
    "initial option not offered": (actions(menu(option(), initial_option=option("Two"))), "/initial_option"),
    "too many boxes": (actions({"type": "checkboxes", "options": [option()] * 11}), "/elements/0/options"),
    "confirm too long": (actions(button(confirm={**CONFIRM, "title": plain("x" * 101)})), "/confirm/title/text"),
    "wrong date": (actions({"type": "datepicker", "initial_date": "1.12.2026"}), "/initial_date"),
    "image without alt text": ({"type": "image", "image_url": "https://example.com/a.png"}, "/blocks/0"),
    "input in actions": (actions({"type": "plain_text_input", "action_id": "x"}), "/elements/0"),
    "button in input": ({"type": "input", "label": plain("x"), "element": button()}, "/blocks/0/element"),
    "label in mrkdwn": ({**text_input(), "label": {"type": "mrkdwn", "text": "x"}}, "/blocks/0/label"),
    "empty rich text": (rich({"type": "text", "text": ""}), "/elements/0/elements/0/text"),
    "unknown rich text": (rich({"type": "marquee", "text": "x"}), "/elements/0/elements/0"),
    "unknown rich style": (rich({"type": "text", "text": "x", "style": {"big": True}}), "/style"),
    "link in rich text without url": (rich({"type": "link", "text": "x"}), "/elements/0/elements/0"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_blocks_pass(name: str) -> None:
    blocks, checker = checked([GOOD[name]], MESSAGE)
    assert checker.errors == []
    assert with_ids(blocks, lambda prefix: f"{prefix}1")[0]["block_id"]


@pytest.mark.parametrize("name", BAD)
def test_bad_blocks_are_refused_where_they_are_bad(name: str) -> None:
    block, where = BAD[name]
    with pytest.raises(ApiError) as caught:
        message_blocks([block])
    assert caught.value.code == "invalid_blocks"
    assert any(f"{where}]" in message for message in caught.value.extra["response_metadata"]["messages"])


def test_numbers_of_blocks_are_limited_by_surface() -> None:
    assert checked([section()] * 50, MESSAGE)[1].errors == []
    assert checked([section()] * 51, MESSAGE)[1].errors
    assert checked([section()] * 100, HOME)[1].errors == []
    assert checked([section()] * 101, HOME)[1].errors


def test_block_ids_are_unique_in_a_message() -> None:
    assert checked([section(block_id="a"), section(block_id="a")], MESSAGE)[1].errors


def test_the_text_of_all_blocks_together_is_limited() -> None:
    with pytest.raises(ApiError, match="msg_blocks_too_long"):
        message_blocks([section("x" * 3000)] * 5)
    with pytest.raises(ApiError, match="invalid_blocks"):
        message_blocks([{"type": "markdown", "text": "x" * 7000}] * 2)


@pytest.mark.parametrize("raw", ["{", "x", 5, ["x"], {"type": "section"}])
def test_what_is_no_list_of_blocks_has_the_wrong_format(raw: object) -> None:
    with pytest.raises(ApiError, match="invalid_blocks_format"):
        message_blocks(raw)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"title": plain("x" * 25)}, "/view/title/text"),
        ({"submit": plain("x" * 25)}, "/view/submit/text"),
        ({"close": plain("x" * 25)}, "/view/close/text"),
        ({"title": None}, "/view"),
        ({"submit": None}, "/view"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
        ({"type": "home"}, "/view/type"),
        ({"colour": "red"}, "/view/colour"),
        ({"blocks": [section()] * 101}, "/view/blocks"),
        ({"blocks": [text_input("a"), text_input("a")]}, "/view/blocks/1/block_id"),
        ({"blocks": [{"type": "markdown", "text": "x"}]}, "/view/blocks/0"),
        ({"blocks": "x"}, "/view/blocks"),
    ],
)
def test_bad_views_are_refused_where_they_are_bad(change: dict[str, Any], where: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_view(modal(**change), MODAL)
    assert caught.value.code == "invalid_arguments"
    assert any(f"{where}]" in message for message in caught.value.extra["response_metadata"]["messages"])


def test_only_one_element_of_a_view_may_take_the_focus() -> None:
    def focused(block_id: str) -> dict[str, Any]:
        return {**text_input(block_id), "element": {**text_input()["element"], "focus_on_load": True}}

    check_view(modal(focused("a"), text_input("b")), MODAL)
    with pytest.raises(ApiError):
        check_view(modal(focused("a"), focused("b")), MODAL)


def test_what_the_sdks_own_models_build_passes() -> None:
    blocks = [
        SectionBlock(text="hello", block_id="s"),
        ActionsBlock(elements=[ButtonElement(text="Claim", action_id="claim", value="1", style="primary")]),
    ]
    message_blocks([block.to_dict() for block in blocks])
    field = InputBlock(label="When", element=PlainTextInputElement(action_id="v", multiline=True, max_length=100))
    check_view(View(type="modal", title="Snooze", submit="Go", blocks=[field]).to_dict(), MODAL)
    check_view(View(type="home", blocks=blocks).to_dict(), HOME)
