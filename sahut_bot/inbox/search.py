"""Full text over messages and contacts: words that all occur, each as the beginning of a word, newest first.

PostgreSQL keeps its indexes in the transaction. SQLite's FTS5 would cost the hot path a fifth of its time that way
(docs/adr/0009), so new rows are indexed in bulk behind a cursor, changes by triggers, and a search also reads what
the cursor has not reached yet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sahut_bot.inbox.models import contacts, conversations, messages, workspace
from sahut_bot.inbox.store import Rx, Store, Tx
from sahut_bot.types import Instant

_MOST_WORDS = 8
_LINE = 120
_TAIL = 5000  # rows that a search reads behind the cursor, the newest ones
_BATCH = 500
_CONTACTS = 5

_WORD = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[\s!-/:-@\[-`{-~]+")  # white space and ASCII punctuation, quotes among it


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A message, or a contact (`message_id` is None) with its latest conversation. `line` shows where it matched."""

    conversation_id: int
    message_id: int | None
    line: str
    at: Instant


@dataclass(frozen=True, slots=True)
class _Index:
    """What is searched of one table, on SQLite (`fts`) and on PostgreSQL (`vector`, as it stands in the index)."""

    table: sa.Table
    fts: str
    columns: tuple[str, ...]
    vector: str

    @property
    def cursor(self) -> str:
        return f"search.{self.table.name}"


def _vector(text: str) -> str:
    # Punctuation parts words here as it does in FTS5; PostgreSQL's own parser keeps addresses and hosts in one piece.
    # The length is bounded because a longer vector would refuse the row.
    marks = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"
    return f"to_tsvector('simple'::regconfig, translate(left({text}, 50000), '{marks}', '{' ' * 32}'))"


_MESSAGES = _Index(messages, "messages_search", ("body",), _vector("messages.body"))
_CONTACT_TEXT = "contacts.name || ' ' || contacts.email || ' ' || contacts.phone || ' ' || contacts.company"
_PEOPLE = _Index(contacts, "contacts_search", ("name", "email", "phone", "company"), _vector(_CONTACT_TEXT))


def search(rx: Rx, words: str, limit: int = 20, before: int | None = None) -> list[Hit]:
    """Messages older than message `before`, `limit` at most; without `before` a few contacts stand in front.

    Whatever `words` holds, it is words and no query language.
    """
    wanted = [piece for piece in _PARTS.split(words) if _WORD.search(piece)][:_MOST_WORDS]
    if not wanted:
        return []
    people = _contacts(rx, wanted) if before is None else []
    return people + _messages(rx, wanted, limit, before)


def split(text: str) -> list[str]:
    """Words in lower case without diacritics, much as FTS5's tokenizer sees them."""
    plain = unicodedata.normalize("NFD", text)
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return _WORD.findall(unicodedata.normalize("NFC", bare).casefold())


def _messages(rx: Rx, words: Sequence[str], limit: int, before: int | None) -> list[Hit]:
    ids = _matches(rx, _MESSAGES, words, limit, before)
    columns = (messages.c.id, messages.c.conversation_id, messages.c.body, messages.c.at)
    rows = rx.execute(sa.select(*columns).where(rx.among(messages.c.id, ids)).order_by(messages.c.id.desc()))
    return [
        Hit(conversation_id=row.conversation_id, message_id=row.id, line=_line(row.body, words), at=row.at)
        for row in rows
    ]


def _contacts(rx: Rx, words: Sequence[str]) -> list[Hit]:
    ids = _matches(rx, _PEOPLE, words, _CONTACTS, None)
    latest = sa.select(conversations.c.contact_id, sa.func.max(conversations.c.id).label("conversation_id"))
    talks = latest.where(rx.among(conversations.c.contact_id, ids)).group_by(conversations.c.contact_id).subquery()
    rows = rx.execute(
        sa.select(contacts, talks.c.conversation_id)
        .join(talks, talks.c.contact_id == contacts.c.id)
        .order_by(contacts.c.id.desc())
    )
    return [
        Hit(
            conversation_id=row.conversation_id,
            message_id=None,
            line=" · ".join(filter(None, (row.name, row.email, row.phone, row.company))),
            at=row.seen_at,
        )
        for row in rows
    ]


def _matches(rx: Rx, index: _Index, words: Sequence[str], limit: int, before: int | None) -> list[int]:
    """Ids of the newest rows that match."""
    if rx.dialect == "postgresql":
        return _postgres_matches(rx, index, words, limit, before)
    found = _tail_matches(rx, index, words, limit, before)
    if len(found) < limit:
        found += _fts_matches(rx, index, words, limit - len(found), before)
    return found


def _postgres_matches(rx: Rx, index: _Index, words: Sequence[str], limit: int, before: int | None) -> list[int]:
    query = " & ".join(f"'{word.lower()}'" + (":*" if len(word) > 1 else "") for word in words)
    key = index.table.c.id
    hits = sa.select(key).where(sa.text(f"{index.vector} @@ to_tsquery('simple', :query)").bindparams(query=query))
    if index is _MESSAGES:
        hits = hits.where(messages.c.deleted_at.is_(None))
    if before is not None:
        hits = hits.where(key < before)
    return list(rx.execute(hits.order_by(key.desc()).limit(limit)).scalars())


def _fts_matches(rx: Rx, index: _Index, words: Sequence[str], limit: int, before: int | None) -> list[int]:
    query = " ".join(f'"{word}"' + ("*" if len(word) > 1 else "") for word in words)
    fts = sa.table(index.fts, sa.column("rowid", sa.Integer))
    matches = sa.text(f"{index.fts} MATCH :query").bindparams(query=query)
    top = _cursor(rx, index) if before is None else min(before - 1, _cursor(rx, index))
    hits = sa.select(fts.c.rowid).where(matches, fts.c.rowid <= top)
    return list(rx.execute(hits.order_by(fts.c.rowid.desc()).limit(limit)).scalars())


def _tail_matches(rx: Rx, index: _Index, words: Sequence[str], limit: int, before: int | None) -> list[int]:
    key = index.table.c.id
    rows = sa.select(key, *(index.table.c[name] for name in index.columns)).where(key > _cursor(rx, index))
    if index is _MESSAGES:
        rows = rows.where(messages.c.deleted_at.is_(None))
    if before is not None:
        rows = rows.where(key < before)
    wanted = [part for word in words for part in split(word)]
    found: list[int] = []
    for row in rx.execute(rows.order_by(key.desc()).limit(_TAIL)):
        if _has(wanted, " ".join(row[1:])):
            found.append(row.id)
            if len(found) == limit:
                break
    return found


def _has(words: Sequence[str], text: str) -> bool:
    there = split(text)
    return all(any(one.startswith(word) if len(word) > 1 else one == word for one in there) for word in words)


def _line(body: str, words: Sequence[str]) -> str:
    """One line of `body` around the first match."""
    flat = " ".join(body.split())
    wanted = [part for word in words for part in split(word)]
    starts = [match.start() for match in _WORD.finditer(flat) if any(_has([word], match.group()) for word in wanted)]
    begin = max(starts[0] - _LINE // 4, 0) if starts else 0
    piece = flat[begin : begin + _LINE]
    return ("…" if begin else "") + piece + ("…" if begin + _LINE < len(flat) else "")


# ---------------------------------------------------------------- SQLite's index


def _cursor(rx: Rx, index: _Index) -> int:
    return int(rx.execute(sa.select(workspace.c.value).where(workspace.c.key == index.cursor)).scalar() or 0)


def index_more(tx: Tx, limit: int) -> bool:
    """Indexes the next `limit` rows of each table; true if more may be left. Nothing to do on PostgreSQL."""
    if tx.dialect == "postgresql":
        return False
    return sum(_index_some(tx, index, limit) for index in (_MESSAGES, _PEOPLE)) > 0


def _index_some(tx: Tx, index: _Index, limit: int) -> bool:
    key = index.table.c.id
    ids = list(tx.execute(sa.select(key).where(key > _cursor(tx, index)).order_by(key).limit(limit)).scalars())
    if not ids:
        return False
    columns = [index.table.c[name] for name in index.columns]
    rows = sa.select(key, *columns).where(key >= ids[0], key <= ids[-1])
    if index is _MESSAGES:
        rows = rows.where(messages.c.deleted_at.is_(None))
    fts = sa.table(index.fts, sa.column("rowid"), *(sa.column(name) for name in index.columns))
    # A change before the cursor came by may have written the row already.
    into = sa.insert(fts).prefix_with("OR REPLACE").from_select(["rowid", *index.columns], rows)
    tx.execute(into)
    tx.upsert(
        workspace,
        [{"key": index.cursor, "value": str(ids[-1])}],
        key=("key",),
        update=lambda new: {"value": new.value},
    )
    return len(ids) == limit


async def keep_indexed(store: Store) -> None:
    """A housekeeping job: brings the index up to date, in short transactions."""
    while await store.write(index_more, _BATCH):
        pass
