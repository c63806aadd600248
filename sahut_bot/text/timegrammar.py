"""The phrases that time words are made of, in English and Indonesian, and reading them one after the other.

"minggu" is both Sunday and week: after a number it is weeks ("2 minggu"), before "depan" it is next week, else Sunday;
"hari minggu" is always Sunday.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TypeAlias


class NotUnderstood(Exception):
    """`key` is the line of the locale files that says why."""

    def __init__(self, key: str = "time_unknown") -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: months and days as the calendar counts them, the rest in seconds."""

    months: int = 0
    days: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Clock:
    """An hour as written. `half` is am, pm or empty; `bare`: without minutes, so that it may be meant either way."""

    hour: int
    minute: int = 0
    half: str = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Phrases:
    """What was found in a text, each at most once. `weekday` counts from Monday = 0; `year` 0 = not said."""

    offset: int | None = None
    weekday: int | None = None
    next_week: bool | None = None
    next_month: bool | None = None
    date: tuple[int, int, int] | None = None
    part: str | None = None
    clock: Clock | None = None


# ---------------------------------------------------------------- lengths

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
_UNIT_DAYS = {"d": 1, "w": 7}
_UNIT_MONTHS = {"mo": 1, "y": 12}
_UNITS = {
    "s": "seconds?|secs?|detik|dtk|s",
    "mo": "months?|mos?|bulan|bln",
    "m": "minutes?|mins?|menit|mnt|m",
    "h": "hours?|hrs?|jam|h",
    "d": "days?|hari|d",
    "w": "weeks?|wks?|minggu|pekan|w",
    "y": "years?|yrs?|tahun|thn|y",
}
_COUNTS = {
    "half a": 0.5, "half an": 0.5, "half": 0.5, "setengah": 0.5, "a couple of": 2, "couple of": 2, "an": 1, "a": 1,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "se": 1, "satu": 1, "dua": 2, "tiga": 3, "empat": 4, "lima": 5, "enam": 6, "tujuh": 7, "delapan": 8,
    "sembilan": 9, "sepuluh": 10,
}  # fmt: skip
_AMOUNT = re.compile(
    rf"(?P<count>[0-9]{{1,15}}(?:[.,][0-9]{{1,3}})?|{'|'.join(sorted(_COUNTS, key=len, reverse=True))}) ?"
    rf"(?:{'|'.join(f'(?P<{unit}>{words})' for unit, words in _UNITS.items())})(?![a-z])"
    r"(?: ?(?:,|&|and\b|dan\b))? ?"
)
_BEFORE_SPAN = re.compile(r"(?:(?:in|for|within|after|dalam|selama|setelah|until|sampai) )?")
_AFTER_SPAN = re.compile(r" ?(?:lagi|from now|later|kemudian|ke depan|mendatang)?")


def read_span(value: str) -> Span | None:
    """The whole text as a length of time, or None."""
    found = _BEFORE_SPAN.match(value)
    place = found.end() if found else 0
    span, amounts = Span(), 0
    while amount := _AMOUNT.match(value, place):
        span = _longer(span, amount)
        place, amounts = amount.end(), amounts + 1
    return span if amounts and _AFTER_SPAN.fullmatch(value, place) else None


def _longer(span: Span, amount: re.Match[str]) -> Span:
    count = _COUNTS.get(amount["count"]) or float(amount["count"].replace(",", "."))
    unit = next(unit for unit in _UNITS if amount[unit])
    if unit in _UNIT_SECONDS:
        return replace(span, seconds=span.seconds + count * _UNIT_SECONDS[unit])
    if unit in _UNIT_DAYS and count == int(count):
        return replace(span, days=span.days + int(count) * _UNIT_DAYS[unit])
    if unit in _UNIT_DAYS:
        return replace(span, seconds=span.seconds + count * _UNIT_DAYS[unit] * 86400)
    if count != int(count):
        raise NotUnderstood
    return replace(span, months=span.months + int(count) * _UNIT_MONTHS[unit])


# ---------------------------------------------------------------- days and clocks

_WEEKDAYS = {
    0: "monday|mon|senin|sen", 1: "tuesday|tues|tue|selasa|sel", 2: "wednesday|wed|rabu|rab",
    3: "thursday|thurs|thur|thu|kamis|kam", 4: "friday|fri|jumat|jum'at|jum", 5: "saturday|sat|sabtu|sab",
    6: "sunday|sun|minggu|ahad",
}  # fmt: skip
_MONTHS = {
    1: "january|januari|jan", 2: "february|februari|pebruari|feb", 3: "march|maret|mar", 4: "april|apr", 5: "may|mei",
    6: "june|juni|jun", 7: "july|juli|jul", 8: "august|agustus|aug|agu|agt|ags", 9: "september|sept|sep",
    10: "october|oktober|oct|okt", 11: "november|nopember|nov|nop", 12: "december|desember|dec|des",
}  # fmt: skip
_PARTS = {
    "morning": "morning|pagi", "noon": "noon|midday|siang|tengah hari", "afternoon": "afternoon", "sore": "sore|petang",
    "evening": "evening", "night": "night|malam",
    "end": "eod|end of (?:the )?day|cob|close of business|akhir hari|tutup(?: kantor)?",
}  # fmt: skip


def _numbered(table: dict[int, str]) -> dict[str, int]:
    return {word: number for number, words in table.items() for word in words.split("|")}


_WEEKDAY_NUMBERS, _MONTH_NUMBERS = _numbered(_WEEKDAYS), _numbered(_MONTHS)
_WEEKDAY = "|".join(sorted(_WEEKDAY_NUMBERS, key=len, reverse=True))
_MONTH = "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True))
_HALF = r"(?P<half>[ap]\.?m\.?)"


def _date(found: re.Match[str]) -> Phrases:
    month = found["month"]
    return Phrases(date=(int(found["year"] or 0), _MONTH_NUMBERS.get(month) or int(month), int(found["day"])))


def _written_date(found: re.Match[str]) -> Phrases:
    """Day and month as two numbers: only clear if one of them can be no month, or both are the same."""
    first, second, year = int(found["first"]), int(found["second"]), int(found["year"] or 0)
    year += 2000 if 0 < year < 100 else 0
    if first > 12 or first == second:
        return Phrases(date=(year, second, first))
    if second > 12:
        return Phrases(date=(year, first, second))
    raise NotUnderstood("time_ambiguous")


def _clock(found: re.Match[str]) -> Phrases:
    groups = found.groupdict()
    half = (groups.get("half") or "").replace(".", "")
    return Phrases(
        clock=Clock(int(groups["hour"]), int(groups.get("minute") or 0), half, bare=not groups.get("minute"))
    )


def _half_before(found: re.Match[str]) -> Phrases:
    """ "setengah 10" is half past nine."""
    return Phrases(clock=Clock((int(found["hour"]) - 1) % 24, 30, bare=True))


def _part(found: re.Match[str]) -> Phrases:
    return Phrases(part=next(part for part in _PARTS if found[part]))


def _part_today(found: re.Match[str]) -> Phrases:
    return replace(_part(found), offset=0)


def _weekday(found: re.Match[str]) -> Phrases:
    return Phrases(weekday=_WEEKDAY_NUMBERS[found["weekday"]])


def _unclear(_: re.Match[str]) -> Phrases:
    raise NotUnderstood("time_ambiguous")


def _days_on(found: re.Match[str]) -> Phrases:
    return Phrases(offset=int(found["count"]) * (7 if found["weeks"] else 1))


_Reader: TypeAlias = Callable[[re.Match[str]], Phrases]
_ANY_PART = "|".join(f"(?P<{part}>{words})" for part, words in _PARTS.items())
_GRAMMAR: list[tuple[re.Pattern[str], _Reader]] = [
    (re.compile(rf"(?:{pattern})(?![^\W_])"), reader)
    for pattern, reader in (
        # dates
        (r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})", _date),
        (r"(?P<first>[0-9]{1,2})[/-](?P<second>[0-9]{1,2})(?:[/-](?P<year>[0-9]{4}|[0-9]{2}))?", _written_date),
        (r"(?P<first>[0-9]{1,2})\.(?P<second>[0-9]{1,2})\.(?P<year>20[0-9]{2})", _written_date),
        (rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)? ?(?:of )?(?P<month>{_MONTH})\.?(?: (?P<year>20[0-9]{{2}}))?", _date),
        (rf"(?P<month>{_MONTH})\.? (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?(?: (?P<year>20[0-9]{{2}}))?", _date),
        # days
        (r"hari (?P<weekday>minggu|ahad)(?: depan| ini)?", _weekday),
        (r"next week|(?:minggu|pekan) depan", lambda _: Phrases(next_week=True)),
        (r"next month|bulan depan", lambda _: Phrases(next_month=True)),
        (r"(?:the )?day after tomorrow|(?:besok )?lusa", lambda _: Phrases(offset=2)),
        (r"tomorrow|tomorow|tmrw|tmr|besok|esok|bsk", lambda _: Phrases(offset=1)),
        (r"tonight|(?:nanti )?malam ini|nanti malam", lambda _: Phrases(offset=0, part="night")),
        (rf"(?:{_ANY_PART}) ini", _part_today),
        (rf"this (?:{_ANY_PART})", _part_today),
        (r"today|hari ini|nanti", lambda _: Phrases(offset=0)),
        (r"minggu ini|this week", _unclear),
        (rf"(?:(?:next|this|coming|hari) )?(?P<weekday>{_WEEKDAY})(?: (?:depan|ini|nanti|besok))?", _weekday),
        (r"(?:in )?(?P<count>[0-9]{1,3}) ?(?:days?|hari|(?P<weeks>weeks?|minggu|pekan))(?: lagi| from now)?", _days_on),
        # clocks
        (
            rf"(?:(?:at|@|jam|pukul|pkl) ?)?(?P<hour>[0-9]{{1,2}})[:.](?P<minute>[0-9]{{2}})(?::00)?(?: ?{_HALF})?",
            _clock,
        ),
        (rf"(?P<hour>[0-9]{{1,2}}) ?{_HALF}", _clock),
        (r"(?:(?:at|jam|pukul|pkl) )?setengah (?P<hour>[0-9]{1,2})", _half_before),
        (rf"(?:at|@|jam|pukul|pkl) ?(?P<hour>[0-9]{{1,2}})(?: ?{_HALF})?(?: o'?clock)?", _clock),
        (rf"(?P<hour>[0-9]{{1,2}})(?= (?:{'|'.join(_PARTS.values())}))", _clock),
        (rf"(?:{_ANY_PART})", _part),
    )
]
_HOUR_AFTER_DAY = re.compile(r"(?P<hour>[0-9]{1,2})(?![^\W_])")
_FILLER = re.compile(r"(?:on|at|by|until|till|sampai|hingga|pada|the|in|tanggal|tgl|di)(?![^\W_])|[ ,]|-(?= )")


def read_phrases(value: str, zone_name: str) -> Phrases:
    """Every phrase of the text. `NotUnderstood` if there is none, one comes twice, or anything else is left.

    The name of the reader's own zone may stand behind the clock; any other zone is not understood.
    """
    found, place = Phrases(), 0
    while place < len(value):
        phrase, end = _next(value, place, found)
        if phrase is not None:
            found = _both(found, phrase)
        elif found.clock and zone_name and value.startswith(zone_name, place):
            end = place + len(zone_name)
        elif filler := _FILLER.match(value, place):
            end = filler.end()
        else:
            raise NotUnderstood
        place = end
    if found == Phrases():
        raise NotUnderstood
    return found


def _next(value: str, place: int, found: Phrases) -> tuple[Phrases | None, int]:
    for pattern, reader in _GRAMMAR:
        if match := pattern.match(value, place):
            return reader(match), match.end()
    if found != Phrases() and found.clock is None and (match := _HOUR_AFTER_DAY.match(value, place)):
        return _clock(match), match.end()
    return None, place


def _both(found: Phrases, phrase: Phrases) -> Phrases:
    new = {field.name: value for field in fields(Phrases) if (value := getattr(phrase, field.name)) is not None}
    if any(getattr(found, name) is not None for name in new):
        raise NotUnderstood
    return replace(found, **new)
