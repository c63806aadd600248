"""Whether a customer only says thanks: such a message asks for nothing."""

from __future__ import annotations

import re

from sahut_bot.text.clean import clean

_LONGEST = 120
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SMILES = re.compile(r"[:;=8][-']?[)dp]+(?!\w)")

_THANKS = re.compile(
    r"\b(?:(?:thanks+|thanks? you+|thanks? u|thankyou|thx+|tks|tysm|ty|tq|cheers|(?:much )?appreciated?(?: it)?"
    r"|te?rima ?kasih+|trims|makasih+|makasi|mksi?h?|tengkyu|matur nuwun|nuhun|suwun)"
    r"(?: (?:so |very )?much| a lot)?"
    r"(?: for (?:all )?(?:the|your|that|this|everything)?(?: kind| quick| great)?"
    r"(?: help| support| reply| response| answer| info| information| service)?"
    r"| (?:banyak )?(?:kak |pak |bu )?(?:atas|untuk|buat) (?:semua )?"
    r"(?:bantuan|balasan|info|informasi|jawaban|respon|penjelasan|pelayanan|perhatian)(?:nya)?)?)\b"
)
_BESIDE = re.compile(
    # nothing to add, to whom, how much, and that it is settled: English, then Indonesian
    "again|alright|all|and|bye|everyone|everybody|fine|good|got|great|guys|i|it|its|nice|noted|ok|okay|okey|perfect|sir"
    "|so|solved|team|that|the|this|too|very|well|wonderful|works|working|now|yeah|yes|yep|you|sorted|done|awesome"
    "|amazing|excellent|madam|miss|mr|mrs|ma'am"
    "|admin|aja|baik|bang|banyak|bapak|bos|bro|bu|cs|dan|gan|ibu|iya|kak|kakak|ka|kembali|mantap|mas|mbak|min|mimin"
    "|oke|oks|pak|paham|saja|sangat|sekali|semua|semuanya|siap|sipp?|sis|sudah|udah|ya+|yah|yaudah|selesai|beres"
    "|berhasil|sama"
)
_NO = re.compile(r"^(?:no|nope|not|tidak|tak|nggak|gak|ga|enggak|belum)\b")
_GESTURES = ("👍", "🙏", "👌", "❤", "🤝", "💯", "🫶", "😊", "🙂", "😀", "😄", "😁", "☺", "🥰", "🤗", "🎉", "✅", "🫡")
_SPEAKING_GESTURES = ("👍", "🙏", "👌")


def is_thanks(text: str) -> bool:
    """A bare thanks, in English or Indonesian, with the small words that go with it, or just a thumb up.

    A question, a refusal ("no thanks") and any other word make it more than that; so does a bare "ok", which may be
    the answer to a question.
    """
    line = clean(text).casefold().replace("’", "'").strip()
    if not line or len(line) > _LONGEST or "?" in line or _NO.match(line):
        return False
    rest = _SMILES.sub(" ", line)
    words = " ".join(_WORD.findall(rest))
    others = [char for char in rest if not char.isalnum() and not char.isspace() and not char.isascii()]
    if any(char not in _GESTURES and not _is_trifle(char) for char in others):
        return False
    unthanked, thanks = _THANKS.subn(" ", words)
    if not all(_BESIDE.fullmatch(word) for word in unthanked.split()):
        return False
    return bool(thanks) or (not words and any(gesture in rest for gesture in _SPEAKING_GESTURES))


def _is_trifle(char: str) -> bool:
    """Skin tones, variation selectors, joiners and typographic punctuation."""
    return "\U0001f3fb" <= char <= "\U0001f3ff" or char in "\ufe0f\u200d\u200c…“”‘’–—"
