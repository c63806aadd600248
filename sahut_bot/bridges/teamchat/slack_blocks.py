"""What is posted in a channel: the card, a post in a thread, a private answer. Pure.

A message has at most 50 blocks and, undocumented, about 13 000 characters in them; `text` stands for the blocks in
notifications and is the whole message where there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sahut_bot.bridges.teamchat.slack_pieces import (
    FIELDS,
    SECTION_TEXT,
    UNIT,
    Json,
    actions,
    button,
    button_rows,
    cut,
    escaped,
    fact,
    fact_line,
    fitted,
    header,
    menus,
    numbered,
    said_length,
    section,
    sections,
    small_print,
)
from sahut_bot.text import slack as dialect
from sahut_bot.text import tree
from sahut_bot.text.clean import clean_name, length
from sahut_bot.text.markup import Bold, Link, Markup
from sahut_bot.text.split import split
from sahut_bot.text.words import say
from sahut_bot.types import Answer, Button, Card, Content, Listing, Row, ThreadRef

MESSAGE_BLOCKS, SURFACE_BLOCKS = 50, 100
MESSAGE_TEXT = 39_000  # Slack cuts at 40 000
BLOCKS_TEXT = 12_000
UPDATE_TEXT = 3_900  # chat.update refuses more than about 4 000
_FACTS, _FACT_TEXT, _LINE = 20, 200, 500
_PIECES = 3
_CALLS = 30
_NAME = 80
_MEMBER = re.compile(r"[UW][A-Z0-9]{1,20}")


# ---------------------------------------------------------------- the card


def card_message(card: Card) -> Json:
    """`text` and `blocks` of a card, for posting and for updating."""
    blocks = [header(card.title)]
    if first_line := escaped(card.first_line, _LINE):
        blocks.append(section(first_line))
    facts = [fact(told, _FACT_TEXT) for told in card.facts[:_FACTS]]
    blocks += [{"type": "section", "fields": facts[at : at + FIELDS]} for at in range(0, len(facts), FIELDS)]
    if mode_line := escaped(card.mode_line, _LINE):
        blocks.append(small_print(mode_line))
    buttons = [shown for made in card.buttons[:15] if (shown := button(made))]
    blocks += actions([*buttons, *menus(card.more[:25])])
    title = escaped(cut(card.title, _LINE), _LINE) or "–"
    return {"text": f"{title}\n{first_line}".strip(), "blocks": numbered(blocks)}


# ---------------------------------------------------------------- a post


def content_message(content: Content, lang: str, limit: int = MESSAGE_TEXT) -> Json:
    """`text`, and `blocks` where the post has buttons or is small print. What does not fit is said to be missing."""
    calls = " ".join(f"<@{who}>" for who in content.mention[:_CALLS] if _MEMBER.fullmatch(who))
    blocks: list[Json] = []
    if content.quiet or content.buttons:
        blocks = _blocks(content, calls)
        limit = min(limit, UPDATE_TEXT)
    text = whole_text(content.body, lang, limit - length(calls, UNIT) - 1)
    message: Json = {"text": "\n".join(filter(str.strip, (text, calls))) or "–"}
    return message | {"blocks": numbered(blocks)} if blocks else message


def whole_text(body: Markup, lang: str, limit: int) -> str:
    """`body` as mrkdwn; where it is longer than `limit`, a last line says how much is missing."""
    text = dialect.render(body)
    if length(text, UNIT) <= limit:
        return text
    missing = say(lang, "slack.cut", count=0)
    pieces = split(body, limit - length(missing, UNIT) - 20, UNIT, dialect.render)
    first = dialect.render(pieces[0]) if pieces else ""
    return f"{first}\n{say(lang, 'slack.cut', count=length(text, UNIT) - length(first, UNIT))}"


def _blocks(content: Content, calls: str) -> list[Json]:
    said = sections(content.body, _PIECES)
    text = said[0]["text"]["text"] if len(said) == 1 else ""
    if text and calls and length(f"{text} {calls}", UNIT) <= SECTION_TEXT:
        said = [section(f"{text} {calls}")]  # one line, and not in small print: that it is for somebody must be seen
    elif calls:
        said.append(section(calls))
    elif text and content.quiet:
        said = [small_print(text)]
    return said + button_rows(content.buttons[:25])


def shown_name(content: Content, lang: str) -> str:
    """The name over a post: a customer is always recognisable as one, whatever they call themselves."""
    name = clean_name(content.as_name)
    if not name:
        return ""
    if not content.customer:
        return cut(name, _NAME)
    marker = say(lang, "slack.customer", name="")
    return say(lang, "slack.customer", name=cut(name, _NAME - length(marker, UNIT)))


# ---------------------------------------------------------------- a private answer


def answer_message(answer: Answer, lang: str, url: str = "") -> Json:
    """An answer for one person: text, buttons and a list. A form cannot open by itself, so a button opens it.

    `url` is the workspace's own address, for links to threads; here and below.
    """
    blocks: list[Json] = sections(tree.text(answer.text), _PIECES)
    for problem in list(answer.field_errors.values())[:5]:
        blocks += sections(tree.text(problem), 1)
    buttons = list(answer.buttons[:25])
    if answer.form:
        buttons.insert(0, Button(label=answer.form.title, command=answer.form.command, style="primary"))
    blocks += button_rows(buttons)
    if answer.listing:
        room = MESSAGE_BLOCKS - len(blocks)
        blocks += listing_blocks(answer.listing, lang, room, BLOCKS_TEXT - said_length(blocks), url)
    texts = (answer.text, answer.listing.title if answer.listing else "", answer.form.title if answer.form else "")
    text = next(filter(None, (escaped(told, SECTION_TEXT) for told in texts)), "–")
    return {"text": text, "blocks": numbered(blocks)} if blocks else {"text": text}


def listing_blocks(listing: Listing, lang: str, room: int, characters: int, url: str) -> list[Json]:
    """A list in at most `room` blocks (at least 8) and about `characters`; what does not fit is said to be missing."""
    top = [header(listing.title), *button_rows(listing.filters[:25]), *button_rows(listing.statuses[:25])]
    end = button_rows(listing.pages[:25])
    if not listing.rows:
        top += sections(tree.text(listing.empty), 1)
    rows = [_row(row, url) for row in listing.rows]
    shown = list(_fitting(rows, room - len(top) - len(end) - 1, characters - said_length([top, end]) - 100))
    if len(shown) < len(rows):
        end.insert(0, small_print(say(lang, "slack.rows_left", count=len(rows) - len(shown))))
    return [*top, *(block for row in shown for block in row), *end]


def _fitting(rows: list[list[Json]], room: int, characters: int) -> Iterator[list[Json]]:
    for row in rows:
        room -= len(row)
        characters -= said_length(row)
        if room < 0 or characters < 0:
            return
        yield row


def _row(row: Row, url: str) -> list[Json]:
    number = f"#{row.number}"
    title = cut(row.title if not row.number or number in row.title else f"{number} {row.title}", 200)
    link = thread_url(url, row.thread)
    bold = fitted((Bold((Link(url=link, label=title),) if link and title else tree.text(title)),), 900) or "–"
    line = escaped(cut(row.line, 300), 600)
    blocks: list[Json] = [{"type": "divider"}, section(f"{bold}\n{line}".strip())]
    details = [escaped(cut(row.detail, 300), 600), *(fact_line(told) for told in row.times[:5])]
    if any(details):
        blocks.append(small_print(" · ".join(filter(None, details))))
    return blocks + button_rows(row.buttons[:5])


def thread_url(url: str, thread: ThreadRef | None) -> str:
    """Where a thread opens beside its channel; empty where we cannot tell (Slack docs, chat.getPermalink)."""
    if not url or thread is None or thread.teamchat != "slack":
        return ""
    place, ts = thread.place, thread.external_id
    return f"{url.rstrip('/')}/archives/{place}/p{ts.replace('.', '')}?thread_ts={ts}&cid={place}"
