"""A bare thanks is told from everything else."""

from __future__ import annotations

import pytest
from hypothesis import given

from sahut_bot.text.thanks import is_thanks
from tests.text.trees import wild_text


@pytest.mark.parametrize(
    "value",
    [
        "thanks", "Thanks!", "THANK YOU", "thank you so much!!", "ok thanks", "Okay, thank you :)", "thx", "ty 🙏",
        "Thanks a lot, guys", "great, thanks for your help", "thanks again 😊", "Perfect. Thank you very much!",
        "all good now, thanks", "Thanks for the quick reply", "terima kasih", "Terima kasih banyak kak 🙏🙏",
        "terimakasih", "makasih ya min", "Makasih atas bantuannya", "ok makasih", "siap, makasih pak", "trims",
        "baik, terima kasih", "matur nuwun", "👍", "👍🏽", "🙏", "👌👌", "Thanks’", "thankyou",
    ],
)  # fmt: skip
def test_this_is_a_bare_thanks(value: str) -> None:
    assert is_thanks(value)


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "ok", "oke", "hello", "thanks, but it still fails", "thanks, where is my order?", "Thank you?",
        "no thanks", "no, thank you", "tidak, terima kasih", "belum, makasih", "terima kasih, tapi belum sampai",
        "makasih, alamatnya di mana", "infonya kak, makasih", "please help, thanks", "help thanks", "thankful", "😡",
        "thanks 😡", "👎", "❤️", "ok 👍", "1", "thanks 123", "https://thanks.example", "thanks" + " so" * 100,
        "can you say thanks",
    ],
)  # fmt: skip
def test_this_is_more_or_less_than_a_thanks(value: str) -> None:
    assert not is_thanks(value)


@given(wild_text)
def test_any_text_is_judged(value: str) -> None:
    is_thanks(value)
