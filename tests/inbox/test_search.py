"""Full text over messages and contacts, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahut_bot.inbox import search as full_text
from sahut_bot.inbox.models import contacts, conversations, identities, messages
from sahut_bot.inbox.search import Hit, index_more, keep_indexed, search, split
from sahut_bot.inbox.store import Store, Tx
from tests.databases import START
from tests.effort import effort


def customer(tx: Tx, name: str = "Budi Santoso", email: str = "budi@example.com", phone: str = "+6281234") -> int:
    """A contact with one conversation; answers the conversation's id."""
    (contact,), (identity,), (talk,) = (tx.new_ids(table, 1) for table in (contacts, identities, conversations))
    person: dict[str, Any] = {"name": name, "email": email, "phone": phone, "company": "PT Maju"}
    tx.execute(sa.insert(contacts), [{"id": contact, **person, "created_at": START, "seen_at": START}])
    key = {"id": identity, "channel": "web", "external_id": f"v{identity}", "contact_id": contact, "seen_at": START}
    tx.execute(sa.insert(identities), [key])
    row = {"id": talk, "channel": "web", "identity_id": identity, "contact_id": contact, "status": "open"}
    tx.execute(sa.insert(conversations), [{**row, "created_at": START, "updated_at": START}])
    return talk


def say(tx: Tx, conversation: int, *bodies: str) -> list[int]:
    ids = tx.new_ids(messages, len(bodies))
    rows = [
        {"id": i, "conversation_id": conversation, "kind": "incoming", "body": body, "at": START + i, "rev": i}
        for i, body in zip(ids, bodies, strict=True)
    ]
    tx.execute(sa.insert(messages), rows)
    return ids


def change(tx: Tx, message: int, values: dict[str, Any]) -> None:
    tx.execute(sa.update(messages).where(messages.c.id == message).values(**values))


@pytest.fixture
async def talk(store: Store) -> int:
    return await store.write(customer)


@pytest.fixture(params=["fresh", "indexed"])
async def indexed(request: pytest.FixtureRequest, store: Store) -> Any:
    """Does what the housekeeping job would do, or leaves everything to the search itself."""

    async def bring_up_to_date() -> None:
        if request.param == "indexed":
            await keep_indexed(store)

    return bring_up_to_date


def found(hits: Sequence[Hit]) -> list[int | None]:
    return [hit.message_id for hit in hits]


async def test_every_word_must_occur_as_the_beginning_of_a_word_newest_first(
    store: Store, talk: int, indexed: Any
) -> None:
    first, _, third = await store.write(say, talk, "Where is my ORDER no. 17?", "hello", "re-order: order 4711")
    await indexed()
    assert found(await store.read(search, "order")) == [third, first]
    assert found(await store.read(search, "my ord")) == [first]
    assert found(await store.read(search, "order hello")) == []
    assert found(await store.read(search, "rder")) == []


async def test_edit_and_deletion_reach_the_index(store: Store, talk: int, indexed: Any) -> None:
    one, two = await store.write(say, talk, "apples", "pears")
    await indexed()
    await store.write(change, one, {"body": "plums"})
    await store.write(change, two, {"body": "", "deleted_at": START})
    assert found(await store.read(search, "apples")) == []
    assert found(await store.read(search, "plums")) == [one]
    assert found(await store.read(search, "pears")) == []
    await indexed()
    assert found(await store.read(search, "plums")) == [one]
    assert found(await store.read(search, "pears")) == []


async def test_pages_go_on_before_the_last_hit(store: Store, talk: int, indexed: Any) -> None:
    ids = await store.write(say, talk, *(f"order {n}" for n in range(5)))
    await indexed()
    more = await store.write(say, talk, *(f"order {n}" for n in range(5)))
    expected = [*reversed(more), *reversed(ids)]
    page = await store.read(search, "order", 4)
    seen = found(page)
    while page:
        page = await store.read(search, "order", 4, before=page[-1].message_id)
        seen += found(page)
    assert seen == expected


@pytest.mark.parametrize("words", ["budi", "Santo", "budi@example.com", "example", "+62", "maju budi"])
async def test_contact_is_found_with_its_latest_conversation(store: Store, talk: int, indexed: Any, words: str) -> None:
    await store.write(customer, "Ayu", "ayu@other.test", "+1555")
    await indexed()
    (hit,) = await store.read(search, words)
    assert (hit.conversation_id, hit.message_id) == (talk, None)
    assert "Budi Santoso · budi@example.com" in hit.line


async def test_renamed_contact_is_found_by_the_new_name(store: Store, talk: int, indexed: Any) -> None:
    await indexed()
    await store.write(lambda tx: tx.execute(sa.update(contacts).values(name="Siti")).rowcount)
    assert await store.read(search, "budi santoso") == []
    assert [hit.conversation_id for hit in await store.read(search, "siti")] == [talk]


async def test_words_of_any_script_are_found(store: Store, talk: int, indexed: Any) -> None:
    cafe, thai, russian = await store.write(say, talk, "Café déjà", "สวัสดี ครับ", "Здравствуйте, заказ")
    await indexed()
    assert found(await store.read(search, "café")) == [cafe]
    assert found(await store.read(search, "заказ")) == [russian]
    assert found(await store.read(search, "สวัสดี")) == [thai]


async def test_line_shows_the_place_of_the_match(store: Store, talk: int) -> None:
    await store.write(say, talk, "lorem ipsum\n" * 40 + "the Needle is here" + " dolor" * 40)
    (hit,) = await store.read(search, "needle")
    assert "Needle" in hit.line
    assert "\n" not in hit.line
    assert hit.line.startswith("…")
    assert len(hit.line) <= 122


@pytest.mark.parametrize("words", ["", "   ", '"', "''", "*", "() AND", "🙂", "-- ;"])
async def test_nothing_to_look_for_finds_nothing(store: Store, talk: int, words: str) -> None:
    await store.write(say, talk, "hello")
    assert [hit for hit in await store.read(search, words) if hit.message_id] == []


@pytest.mark.parametrize(
    "words",
    ['order" OR "1', "order AND NOT x", "order OR 1", "kind:order", "NEAR(order a)", "ord'er", "order & !b | <-> c:*"],
)
async def test_query_syntax_is_only_words(store: Store, talk: int, indexed: Any, words: str) -> None:
    await store.write(say, talk, "order")
    await indexed()
    assert await store.read(search, words) == []


@pytest.mark.parametrize("words", ["^order", '"order"', "order*", "(order)", "-order", "order\\"])
async def test_punctuation_around_a_word_says_nothing(store: Store, talk: int, indexed: Any, words: str) -> None:
    (one,) = await store.write(say, talk, "order")
    await indexed()
    assert found(await store.read(search, words)) == [one]


@settings(max_examples=effort(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=40))
async def test_no_text_breaks_a_search(store: Store, words: str) -> None:
    await store.read(search, words.replace("\x00", "").encode("utf-8", "ignore").decode())


async def test_huge_message_does_not_refuse_the_row(store: Store, talk: int) -> None:
    (one,) = await store.write(say, talk, "needle " + " ".join(f"w{n}" for n in range(120_000)))
    await keep_indexed(store)
    assert found(await store.read(search, "needle")) == [one]


async def test_index_grows_in_short_transactions(store: Store, talk: int) -> None:
    await store.write(say, talk, *(f"word{n}" for n in range(25)))
    rounds = 0
    while await store.write(index_more, 10):
        rounds += 1
    assert rounds == (2 if store.dialect == "sqlite" else 0)
    assert len(found(await store.read(search, "word", 100))) == 25


@pytest.mark.postgres
@pytest.mark.parametrize("index", [full_text._MESSAGES, full_text._PEOPLE], ids=["messages", "contacts"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_expression_of_the_query_is_the_one_of_the_index(store: Store, index: Any) -> None:
    def plan(tx: Tx) -> str:
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        query = f"EXPLAIN SELECT id FROM {index.table.name} WHERE {index.vector} @@ to_tsquery('simple', 'a')"
        return str(tx.execute(sa.text(query)).all())

    assert f"ix_{index.table.name}_search" in await store.write(plan)


def test_words_are_split_without_case_and_diacritics() -> None:
    assert split("Café_au-Lait ÉTÉ 한국 ß") == ["cafe", "au", "lait", "ete", "한국", "ss"]
