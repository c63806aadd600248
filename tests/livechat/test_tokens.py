"""Tokens and proofs: who can show that they are whom they say."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sahut_bot.bridges.channels.livechat import LiveChat, LiveChatOptions
from sahut_bot.bridges.channels.livechat_visitor import ANONYMOUS_SECONDS, VERIFIED_SECONDS, Refused, Visitor, bearer
from sahut_bot.errors import NotAuthentic
from sahut_bot.text import tree
from sahut_bot.types import CustomerMessage
from tests.livechat.rig import IDENTITY_SECRET, SECRET, channel, proof

NOW = 1_800_000_000.0
CHANNEL = channel()
TOKENS = CHANNEL.tokens


def begin(nonce: bytes = b"n" * 24, **asked: object) -> Visitor:
    return TOKENS.session(asked, nonce, NOW)


def test_anonymous_visitors_are_known_by_a_hash_of_what_only_they_have():
    visitor = begin()
    token = TOKENS.mint(visitor)
    assert TOKENS.read(token, NOW) == visitor
    assert visitor.external_id.startswith("visitor:")
    assert visitor.nonce not in visitor.external_id
    assert visitor.external_id != begin(b"m" * 24).external_id


def test_token_carries_at_least_128_random_bits():
    assert len(begin(bytes(range(24))).nonce) * 6 >= 128


@given(st.binary(max_size=200), st.text(max_size=200))
def test_made_up_tokens_never_pass(raw, text):
    for token in (text, raw.decode("latin-1"), f"{text}.{'A' * 43}"):
        with pytest.raises(NotAuthentic):
            TOKENS.read(token, NOW)


@given(st.data())
def test_no_changed_letter_of_a_token_passes(data):
    token = TOKENS.mint(begin(name="Budi", email="budi@example.com"))
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz019-_."))
    changed = token[:at] + letter + token[at + 1 :]
    assume(changed != token)
    with pytest.raises(NotAuthentic):
        TOKENS.read(changed, NOW)


@given(st.text(max_size=40), st.binary(min_size=16, max_size=40))
def test_tokens_of_other_channels_and_servers_do_not_pass(name, secret):
    assume((name, secret) != ("web", SECRET))
    other = LiveChat(name, secret, LiveChatOptions())
    with pytest.raises(NotAuthentic):
        other.tokens.read(TOKENS.mint(begin()), NOW)


def test_token_ends_after_its_time_and_a_new_session_makes_it_longer():
    visitor = begin()
    token = TOKENS.mint(visitor)
    late = NOW + ANONYMOUS_SECONDS
    with pytest.raises(NotAuthentic):
        TOKENS.read(token, late)
    renewed = TOKENS.session({"visitor": token}, b"x" * 24, NOW + 1000)
    assert renewed.external_id == visitor.external_id
    assert TOKENS.read(TOKENS.mint(renewed), late).external_id == visitor.external_id


@pytest.mark.parametrize("old", ["nonsense", "a.b", "x" * 43 + "." + "y" * 43])
def test_token_that_does_not_hold_begins_a_new_visitor(old):
    assert begin(visitor=old).external_id == begin().external_id


def test_secret_must_be_long():
    with pytest.raises(ValueError, match="too short"):
        LiveChat("web", b"short", LiveChatOptions())


# ---------------------------------------------------------------- proofs of identity


def test_proof_of_a_user_id_makes_the_visitor_that_user_everywhere():
    first = begin(user_id="42", hash=proof("42"), name="Budi")
    second = begin(b"m" * 24, user_id="42", hash=proof("42").upper())
    assert first.external_id == second.external_id == "user:42"
    assert first.sender.verified
    assert first.sender.name == "Budi"


def test_proof_of_the_user_id_alone_does_not_vouch_for_an_address():
    sender = begin(user_id="42", hash=proof("42"), email="boss@example.com").sender
    assert sender.email == "boss@example.com"
    assert not sender.verified


def test_proof_that_covers_the_address_vouches_for_it():
    asked: dict[str, Any] = {"user_id": "42", "email": "budi@example.com", "exp": NOW + 60}
    visitor = begin(**asked, hash=proof("42", "budi@example.com", int(NOW + 60)))
    assert visitor.sender.verified
    again = TOKENS.session({"visitor": TOKENS.mint(visitor)}, b"x" * 24, NOW)
    assert again.sender.verified
    changed = TOKENS.session({"visitor": TOKENS.mint(visitor), "email": "boss@example.com"}, b"x" * 24, NOW)
    assert not changed.sender.verified


def test_address_without_any_proof_is_only_said():
    sender = begin(name="Budi", email="boss@example.com").sender
    assert not sender.verified
    assert sender.external_id.startswith("visitor:")


@pytest.mark.parametrize(
    "asked",
    [
        {"user_id": "42"},
        {"hash": proof("42")},
        {"user_id": "42", "hash": proof("43")},
        {"user_id": "42", "hash": ""},
        {"user_id": "42", "hash": proof("42")[:-1]},
        {"user_id": "42", "hash": "ü" * 64},
        {"user_id": "42", "hash": proof("42"), "exp": NOW + 60},  # an expiry that the proof does not cover
        {"user_id": "42", "hash": proof("42", "", int(NOW - 1)), "exp": NOW - 1},  # over
        {"user_id": "42", "hash": proof("42", "", int(NOW + 60)), "exp": NOW + 600},  # stretched
        {"user_id": "42", "hash": proof("42", "", int(NOW - 1))},  # the expiry left out
        {"user_id": "42", "hash": proof("42", "a@example.com"), "email": "b@example.com"},
    ],
)
def test_proof_that_does_not_hold_is_refused(asked):
    with pytest.raises(NotAuthentic):
        begin(**asked)


def test_without_an_identity_secret_nobody_can_prove_anything():
    empty = LiveChat("web", SECRET, LiveChatOptions())
    made = hmac.new(b"", b"42", hashlib.sha256).hexdigest()
    with pytest.raises(NotAuthentic):
        empty.tokens.session({"user_id": "42", "hash": made}, b"n" * 24, NOW)


def test_newlines_cannot_move_words_between_the_fields_of_a_proof():
    joined = proof("42", "a@example.com", 99)
    with pytest.raises((NotAuthentic, Refused)):
        begin(user_id="42\na@example.com\n99", hash=joined)


def test_who_was_anonymous_takes_their_chat_along_but_another_user_does_not():
    before = begin()
    as_user = TOKENS.session({"visitor": TOKENS.mint(before), "user_id": "42", "hash": proof("42")}, b"x" * 24, NOW)
    assert as_user.identities == ("user:42", before.external_id)
    other = TOKENS.session({"visitor": TOKENS.mint(as_user), "user_id": "43", "hash": proof("43")}, b"y" * 24, NOW)
    assert other.identities == ("user:43",)


def test_verified_token_lives_no_longer_than_its_proof_carries():
    visitor = begin(user_id="42", hash=proof("42"))
    later = TOKENS.session({"visitor": TOKENS.mint(visitor)}, b"x" * 24, NOW + VERIFIED_SECONDS - 1)
    assert later.user_id == "42"
    with pytest.raises(NotAuthentic):
        TOKENS.read(TOKENS.mint(later), NOW + VERIFIED_SECONDS)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"name": 5}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"email": "no address"}, "email"),
        ({"email": ["a@example.com"]}, "email"),
        ({"lang": "en<script>"}, "lang"),
        ({"visitor": {"a": 1}}, "visitor"),
        ({"user_id": 42, "hash": "x"}, "user_id"),
        ({"user_id": "4\x002", "hash": proof("4\x002")}, "user_id"),
        ({"user_id": "42", "hash": proof("42"), "exp": "tomorrow"}, "exp"),
        ({"user_id": "42", "hash": proof("42"), "exp": True}, "exp"),
    ],
)
def test_values_of_a_wrong_form_are_named(asked, code):
    with pytest.raises(Refused) as refused:
        begin(**asked)
    assert refused.value.code == code


def test_names_lose_what_reorders_or_hides_text():
    assert begin(name="  Budi\u202e \x00 Santoso\n").name == "Budi Santoso"


# ---------------------------------------------------------------- what is written


def headers(visitor: Visitor) -> dict[str, str]:
    return {"authorization": f"Bearer {TOKENS.mint(visitor)}"}


def test_message_is_decoded_with_its_sender_and_a_key_of_its_own():
    visitor = begin(name="Budi")
    body = b'{"id": "11111111-2222-3333-4444-555555555555", "text": "Halo\\nsemua", "attachments": ["file_7"]}'
    CHANNEL.verify(body, headers(visitor))
    (event,) = CHANNEL.decode(body, headers(visitor), NOW)
    assert isinstance(event, CustomerMessage)
    assert event.external_id == "11111111-2222-3333-4444-555555555555"
    assert event.key == f"{visitor.external_id}:{event.external_id}"
    assert event.stored_files == (7,)
    assert event.sender == visitor.sender
    assert tree.plain(event.body) == "Halo\nsemua"


def test_body_without_a_token_is_not_authentic():
    for header in ({}, {"authorization": "Basic abc"}, {"authorization": "Bearer"}):
        with pytest.raises(NotAuthentic):
            CHANNEL.verify(b"{}", header)
        with pytest.raises(NotAuthentic):
            CHANNEL.decode(b"{}", header, NOW)


@given(st.binary(max_size=400))
def test_any_bytes_are_either_decoded_or_refused(body):
    with contextlib.suppress(Refused):
        assert CHANNEL.decode(body, headers(begin()), NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "text", "attachments", "type", "more"]),
        json_values
        | st.just("11111111-2222-3333-4444-555555555555")
        | st.lists(st.sampled_from(["file_1", "file_2", "file_0", "file_-1", "7"]), max_size=12),
    )
)
def test_any_object_is_either_a_message_with_something_in_it_or_refused(asked):
    try:
        event = CHANNEL.message(begin(), asked, NOW)
    except Refused:
        return
    assert event.stored_files or tree.plain(event.body).strip()
    assert len(set(event.stored_files)) == len(event.stored_files) <= 10
    assert not event.external_id.startswith("msg_")


@pytest.mark.parametrize("taken", ["msg_1", "msg_", "", "x" * 65, "a b", "ä", None, 7])
def test_client_ids_cannot_look_like_replies_or_be_anything_else_than_short_words(taken):
    with pytest.raises(Refused):
        CHANNEL.message(begin(), {"id": taken, "text": "x"}, NOW)


@given(st.text(alphabet=" \t\n\r\x00\x1b\u00a0\u2003\u200b\u202e\u2066\ufeff", max_size=20))
def test_text_of_nothing_visible_is_empty(blank):
    with pytest.raises(Refused) as refused:
        CHANNEL.message(begin(), {"id": "a", "text": blank}, NOW)
    assert refused.value.code == "empty"


def test_bearer_is_read_in_any_case():
    assert bearer("bearer abc") == bearer("Bearer  abc ") == "abc"
    assert bearer("") == bearer("Basic abc") == ""
    assert IDENTITY_SECRET not in repr(CHANNEL.options)
