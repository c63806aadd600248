"""When an agent means: "2h", "besok jam 9", "next monday 14:00" become a point in time, and back into words.

Nothing is guessed: what is past, could be read in two ways, has no unit or lies more than a year ahead is refused with
an example. Days without a time begin at the opening hour.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from babel.dates import format_datetime

from sahut_bot.errors import UserError
from sahut_bot.text.clean import clean, shortened
from sahut_bot.text.timegrammar import Clock, NotUnderstood, Phrases, Span, read_phrases, read_span
from sahut_bot.text.words import LANGUAGES

SHORTEST = timedelta(minutes=1)
_LONGEST_TEXT = 100
_UNTIL_REPLY = re.compile(
    r"(?:until|till|til) (?:(?:they|the customer|customer) )?(?:repl(?:y|ies)|answers?)"
    r"|(?:sampai|hingga|tunggu) (?:(?:pelanggan|customer|ada) )?(?:di|mem)?balas(?:an)?"
)
_BARE_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]?)?")
_BARE_OPENING = range(1, 7)  # an hour that is as likely meant in the afternoon as in the morning

# When a part of the day begins that is named without an hour, and the hours that can be said with it.
_PART_HOUR = {"noon": 12, "afternoon": 14, "sore": 16, "evening": 18, "night": 20}
_PART_HOURS = {
    "morning": range(12),
    "noon": range(10, 16),
    "afternoon": range(12, 19),
    "sore": range(14, 20),
    "evening": range(16, 24),
    "night": range(18, 24),
}


def parse(words: str, now: datetime, opening: time = time(9), closing: time = time(17)) -> datetime | None:
    """The time that `words` name, in the zone of `now`; None for "until reply".

    `now` is aware and in the agent's zone; `opening` and `closing` begin and end the agent's working day. A weekday is
    the first one strictly after today. The result is at least one minute and at most a year ahead; `UserError`
    (`time_…` with `words`) for everything else.
    """
    value = _normal(words)
    try:
        if not value:
            raise NotUnderstood("time_missing")
        if len(value) > _LONGEST_TEXT:
            raise NotUnderstood
        if _UNTIL_REPLY.fullmatch(value):
            return None
        if _BARE_NUMBER.fullmatch(value):
            raise NotUnderstood("time_bare_number")
        return _checked(_meant(value, now, opening, closing), now)
    except NotUnderstood as refused:
        shown = shortened(" ".join(clean(words).split()), 60)
        raise UserError(refused.key, words=shown) from None


def describe(when: float, zone: tzinfo, lang: str) -> str:
    """An instant in full, with its zone: "Thu 26 Nov 2026, 09:00 WIB"."""
    local = datetime.fromtimestamp(when, zone)
    name = local.tzname() or ""
    if name[:1] in ("+", "-"):
        name = f"UTC{name}"
    shown = format_datetime(local, "EEE d MMM y, HH:mm", tzinfo=zone, locale=lang if lang in LANGUAGES else "en")
    return f"{shown} {name}".rstrip()


def _normal(words: str) -> str:
    value = clean(words).casefold().replace("’", "'").strip(" \t\n.!?,;:\"'")
    return re.sub(r"(?<=[0-9])t(?=[0-9])", " ", " ".join(value.split()))


def _meant(value: str, now: datetime, opening: time, closing: time) -> datetime:
    try:
        span = read_span(value)
        if span is not None:
            return _later(now, span)
        phrases = read_phrases(value, (now.tzname() or "").casefold())
        return _at(*_moment(phrases, now, opening, closing), now)
    except OverflowError:
        raise NotUnderstood("time_too_far") from None


def _checked(when: datetime, now: datetime) -> datetime:
    ahead = when.timestamp() - now.timestamp()
    if ahead <= 0:
        raise NotUnderstood("time_past")
    if ahead < SHORTEST.total_seconds():
        raise NotUnderstood("time_too_soon")
    if when > _at(_months_on(now.date(), 12), now.time(), now):
        raise NotUnderstood("time_too_far")
    return when


# ---------------------------------------------------------------- calendar


def _later(now: datetime, span: Span) -> datetime:
    """Months and days keep the time of day; hours and minutes are elapsed time, whatever the clocks do."""
    if span == Span():
        raise NotUnderstood("time_too_soon")
    if span.months > 24 or span.days > 800 or span.seconds > 800 * 86400:
        raise NotUnderstood("time_too_far")
    day = _months_on(now.date(), span.months) + timedelta(days=span.days)
    begun = _at(day, now.time(), now) if span.months or span.days else now
    return (begun.astimezone(UTC) + timedelta(seconds=span.seconds)).astimezone(now.tzinfo)


def _months_on(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.month - 1 + months, 12)
    first = day.replace(year=day.year + year, month=month + 1, day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(day.day, (following - first).days))


def _at(day: date, clock: time, now: datetime) -> datetime:
    """That time of that day in the zone of `now`.

    A time that the clocks skip is as much later as they jump; of a time that comes twice, the first that is not past.
    """
    local = datetime.combine(day, clock.replace(tzinfo=None, fold=0), now.tzinfo)
    first = local.astimezone(UTC)
    second = local.replace(fold=1).astimezone(UTC)
    return (second if first <= now < second else first).astimezone(now.tzinfo)


# ---------------------------------------------------------------- day and time of day


def _moment(phrases: Phrases, now: datetime, opening: time, closing: time) -> tuple[date, time]:
    day = _day(phrases, now.date())
    hour = _hour(phrases)
    if hour is not None:
        minute = phrases.clock.minute if phrases.clock else 0
        return (day + timedelta(days=1), time(0, minute)) if hour == 24 else (day, time(hour, minute))
    if phrases.part == "end":
        return day, closing
    if phrases.part is None or phrases.part == "morning":
        return day, opening if phrases.part is None or opening.hour < 12 else time(9)
    return day, time(_PART_HOUR[phrases.part])


def _day(phrases: Phrases, today: date) -> date:
    named = sum(value is not None for value in (phrases.offset, phrases.next_week, phrases.next_month, phrases.date))
    if named > 1:
        raise NotUnderstood
    if phrases.next_week:
        return today + timedelta(days=7 - today.weekday() + (phrases.weekday or 0))
    if phrases.weekday is not None and not named:
        return today + timedelta(days=(phrases.weekday - today.weekday() - 1) % 7 + 1)
    if phrases.next_month:
        day = _months_on(today.replace(day=1), 1)
    elif phrases.date:
        day = _dated(*phrases.date, today)
    else:
        day = today + timedelta(days=phrases.offset or 0)
    if phrases.weekday is not None and day.weekday() != phrases.weekday:
        raise NotUnderstood("time_ambiguous")
    return day


def _dated(year: int, month: int, day: int, today: date) -> date:
    """A date; without a year the next one of that day, today included."""
    for candidate in [year] if year else range(today.year, today.year + 9):
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
        if year:
            raise NotUnderstood("time_past")
    raise NotUnderstood


def _hour(phrases: Phrases) -> int | None:
    """The hour in 24-hour time, 24 being the midnight that ends the day; None if no clock was named."""
    clock, part = phrases.clock, phrases.part
    if clock is None:
        return None
    if clock.minute > 59 or clock.hour > 23 or part == "end":
        raise NotUnderstood
    if clock.half:
        if not 1 <= clock.hour <= 12:
            raise NotUnderstood
        hour = clock.hour % 12 + (12 if clock.half == "pm" else 0)
        return _in_part(Clock(hour), part) if part else hour
    if part:
        return _in_part(clock, part)
    if clock.bare and clock.hour in _BARE_OPENING:
        raise NotUnderstood("time_ambiguous_hour")
    return clock.hour


def _in_part(clock: Clock, part: str) -> int:
    """The one reading of the hour that lies in that part of the day."""
    if part == "night" and clock.hour == 12:
        return 24
    readings = [hour for hour in {clock.hour, clock.hour + 12} if hour in _PART_HOURS[part]]
    if len(readings) != 1:
        raise NotUnderstood("time_ambiguous_hour" if clock.hour <= 12 else "time_unknown")
    return readings[0]
