"""Time words in English and Indonesian."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahut_bot.errors import UserError
from sahut_bot.text.timewords import describe, parse
from sahut_bot.text.words import LANGUAGES, say
from tests.text.trees import wild_text

JAKARTA = ZoneInfo("Asia/Jakarta")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 26, 10, 0, tzinfo=JAKARTA)  # a Thursday


def read(words: str, now: datetime = NOW) -> str:
    when = parse(words, now)
    return "until reply" if when is None else f"{when:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("words", "when"),
    [
        # lengths
        ("30m", "2026-11-26 10:30"),
        ("2h", "2026-11-26 12:00"),
        ("1d", "2026-11-27 10:00"),
        ("1h30m", "2026-11-26 11:30"),
        ("1w", "2026-12-03 10:00"),
        ("1m", "2026-11-26 10:01"),
        ("90 s", "2026-11-26 10:01"),
        ("1.5h", "2026-11-26 11:30"),
        ("1,5 jam", "2026-11-26 11:30"),
        ("1mo", "2026-12-26 10:00"),
        ("1y", "2027-11-26 10:00"),
        ("in 2 hours", "2026-11-26 12:00"),
        ("for 3 days", "2026-11-29 10:00"),
        ("1 hour and 30 minutes", "2026-11-26 11:30"),
        ("an hour", "2026-11-26 11:00"),
        ("half an hour", "2026-11-26 10:30"),
        ("half a day", "2026-11-26 22:00"),
        ("2 jam", "2026-11-26 12:00"),
        ("2 jam lagi", "2026-11-26 12:00"),
        ("dalam 2 jam", "2026-11-26 12:00"),
        ("30 menit", "2026-11-26 10:30"),
        ("setengah jam", "2026-11-26 10:30"),
        ("sejam", "2026-11-26 11:00"),
        ("3 hari", "2026-11-29 10:00"),
        ("1 hari 2 jam", "2026-11-27 12:00"),
        ("2 minggu", "2026-12-10 10:00"),
        ("dua minggu lagi", "2026-12-10 10:00"),
        # days
        ("tomorrow", "2026-11-27 09:00"),
        ("tomorrow 9am", "2026-11-27 09:00"),
        ("Tomorrow at 9", "2026-11-27 09:00"),
        ("9am tomorrow", "2026-11-27 09:00"),
        ("tomorrow at noon", "2026-11-27 12:00"),
        ("tomorrow morning", "2026-11-27 09:00"),
        ("tomorrow afternoon", "2026-11-27 14:00"),
        ("until tomorrow", "2026-11-27 09:00"),
        ("besok", "2026-11-27 09:00"),
        ("besok jam 9", "2026-11-27 09:00"),
        ("besok pukul 9", "2026-11-27 09:00"),
        ("jam 9 besok", "2026-11-27 09:00"),
        ("besok jam 9.30", "2026-11-27 09:30"),
        ("besok jam setengah 10", "2026-11-27 09:30"),
        ("besok 14", "2026-11-27 14:00"),
        ("besok pagi", "2026-11-27 09:00"),
        ("besok sore", "2026-11-27 16:00"),
        ("besok jam 9 WIB", "2026-11-27 09:00"),
        ("lusa", "2026-11-28 09:00"),
        ("day after tomorrow 10am", "2026-11-28 10:00"),
        ("3 hari lagi jam 9", "2026-11-29 09:00"),
        ("in 2 days at 9am", "2026-11-28 09:00"),
        ("besok jumat", "2026-11-27 09:00"),
        # weekdays: strictly after today
        ("monday", "2026-11-30 09:00"),
        ("next monday", "2026-11-30 09:00"),
        ("senin", "2026-11-30 09:00"),
        ("senin depan 14:00", "2026-11-30 14:00"),
        ("hari senin jam 10 pagi", "2026-11-30 10:00"),
        ("thursday 15:00", "2026-12-03 15:00"),
        ("kamis", "2026-12-03 09:00"),
        ("minggu", "2026-11-29 09:00"),
        ("minggu jam 2 siang", "2026-11-29 14:00"),
        ("hari minggu depan", "2026-11-29 09:00"),
        # weeks and months
        ("next week", "2026-11-30 09:00"),
        ("minggu depan", "2026-11-30 09:00"),
        ("minggu depan jam 10", "2026-11-30 10:00"),
        ("wednesday next week", "2026-12-02 09:00"),
        ("rabu minggu depan", "2026-12-02 09:00"),
        ("next month", "2026-12-01 09:00"),
        ("bulan depan", "2026-12-01 09:00"),
        # clocks
        ("today 15:00", "2026-11-26 15:00"),
        ("15.30", "2026-11-26 15:30"),
        ("jam 15", "2026-11-26 15:00"),
        ("at 5pm", "2026-11-26 17:00"),
        ("5 p.m.", "2026-11-26 17:00"),
        ("hari ini jam 3 sore", "2026-11-26 15:00"),
        ("nanti sore", "2026-11-26 16:00"),
        ("nanti malam", "2026-11-26 20:00"),
        ("malam ini jam 7", "2026-11-26 19:00"),
        ("tonight", "2026-11-26 20:00"),
        ("this afternoon", "2026-11-26 14:00"),
        ("jam 12 malam", "2026-11-27 00:00"),
        ("tomorrow 12am", "2026-11-27 00:00"),
        ("tomorrow 12pm", "2026-11-27 12:00"),
        ("eod", "2026-11-26 17:00"),
        ("end of day", "2026-11-26 17:00"),
        ("besok eod", "2026-11-27 17:00"),
        # dates
        ("2026-12-01", "2026-12-01 09:00"),
        ("2026-12-01 09:00", "2026-12-01 09:00"),
        ("2026-12-01T14:30", "2026-12-01 14:30"),
        ("1 Dec 9am", "2026-12-01 09:00"),
        ("1 Desember", "2026-12-01 09:00"),
        ("1 Desember 2026 jam 10", "2026-12-01 10:00"),
        ("December 1st, 2pm", "2026-12-01 14:00"),
        ("tanggal 1 des", "2026-12-01 09:00"),
        ("tuesday 1 december", "2026-12-01 09:00"),
        ("25/12", "2026-12-25 09:00"),
        ("12/25/2026", "2026-12-25 09:00"),
        ("06/06", "2027-06-06 09:00"),
        ("25 nov", "2027-11-25 09:00"),
        # no timer
        ("until reply", "until reply"),
        ("Until they reply.", "until reply"),
        ("sampai dibalas", "until reply"),
        ("sampai ada balasan", "until reply"),
    ],
)
def test_words_name_a_time(words: str, when: str) -> None:
    assert read(words) == when


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("", "time_missing"),
        ("  ", "time_missing"),
        ("9", "time_bare_number"),
        ("30", "time_bare_number"),
        ("1.5", "time_bare_number"),
        ("2026", "time_bare_number"),
        ("05/06", "time_ambiguous"),
        ("5/6/2026", "time_ambiguous"),
        ("05-06", "time_ambiguous"),
        ("minggu ini", "time_ambiguous"),
        ("besok senin", "time_ambiguous"),
        ("besok jam 3", "time_ambiguous_hour"),
        ("jam 1 malam", "time_ambiguous_hour"),
        ("tomorrow at 5", "time_ambiguous_hour"),
        ("9:30", "time_past"),
        ("jam 9", "time_past"),
        ("today", "time_past"),
        ("today 9am", "time_past"),
        ("2026-11-25", "time_past"),
        ("1999-01-01", "time_past"),
        ("0001-01-01", "time_past"),
        ("26 nov", "time_past"),
        ("367d", "time_too_far"),
        ("13 bulan", "time_too_far"),
        ("2y", "time_too_far"),
        ("99999999999999d", "time_too_far"),
        ("9999-12-31 23:59", "time_too_far"),
        ("1 jan 2028", "time_too_far"),
        ("29 feb", "time_too_far"),
        ("0m", "time_too_soon"),
        ("59s", "time_too_soon"),
        ("30 detik", "time_too_soon"),
        ("hello", "time_unknown"),
        ("may", "time_unknown"),
        ("31 feb", "time_unknown"),
        ("25:00", "time_unknown"),
        ("13pm", "time_unknown"),
        ("jam 9 WITA", "time_unknown"),
        ("tomorrow tomorrow", "time_unknown"),
        ("tomorrow next week", "time_unknown"),
        ("-1h", "time_unknown"),
        ("1h30", "time_unknown"),
        ("1.5mo", "time_unknown"),
        ("on", "time_unknown"),
        ("2h " * 100, "time_unknown"),
    ],
)
def test_what_is_not_clear_is_refused_with_an_example(words: str, key: str) -> None:
    with pytest.raises(UserError) as refused:
        parse(words, NOW)
    assert refused.value.key == key
    for lang in LANGUAGES:
        said = say(lang, refused.value.key, **refused.value.params)
        assert "{" not in said
        assert len(said) < 250


def test_end_of_day_is_refused_once_the_day_has_ended() -> None:
    with pytest.raises(UserError) as refused:
        parse("eod", NOW.replace(hour=17))
    assert refused.value.key == "time_past"


def test_days_begin_and_end_with_the_agents_hours() -> None:
    assert parse("besok", NOW, opening=time(8, 30)) == NOW.replace(day=27, hour=8, minute=30)
    assert parse("besok pagi", NOW, opening=time(8, 30)) == NOW.replace(day=27, hour=8, minute=30)
    assert parse("eod", NOW, closing=time(18)) == NOW.replace(hour=18)
    assert parse("tomorrow morning", NOW, opening=time(13)) == NOW.replace(day=27, hour=9)


def test_next_monday_said_on_a_monday_is_in_a_week() -> None:
    assert read("next monday", NOW.replace(day=30)) == "2026-12-07 09:00"
    assert read("next week", NOW.replace(day=30)) == "2026-12-07 09:00"


def test_a_month_is_counted_to_the_last_day_there_is() -> None:
    assert read("1mo", datetime(2027, 1, 31, 8, tzinfo=UTC)) == "2027-02-28 08:00"
    assert read("12 bulan", datetime(2028, 2, 29, 8, tzinfo=UTC)) == "2029-02-28 08:00"


def test_a_time_less_than_a_minute_away_is_too_soon() -> None:
    with pytest.raises(UserError) as refused:
        parse("10:01", NOW.replace(second=30))
    assert refused.value.key == "time_too_soon"


def test_a_time_that_the_clocks_skip_is_an_hour_later() -> None:
    now = datetime(2026, 3, 7, 10, tzinfo=NEW_YORK)
    assert parse("tomorrow 2:30am", now) == datetime(2026, 3, 8, 3, 30, tzinfo=NEW_YORK)
    assert read("tomorrow 2:30am", now) == "2026-03-08 03:30"


def test_a_day_keeps_the_time_of_day_and_hours_are_elapsed_time() -> None:
    now = datetime(2026, 3, 7, 10, tzinfo=NEW_YORK)
    assert read("1d", now) == "2026-03-08 10:00"
    assert read("24h", now) == "2026-03-08 11:00"


def test_a_time_that_comes_twice_is_the_first_that_is_not_past() -> None:
    before = datetime(2026, 11, 1, 0, 30, tzinfo=NEW_YORK)
    between = datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK)
    first, second = parse("1:50", before), parse("1:40", between)
    assert first is not None
    assert second is not None
    assert first.astimezone(UTC) == datetime(2026, 11, 1, 5, 50, tzinfo=UTC)
    assert second.astimezone(UTC) == datetime(2026, 11, 1, 6, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "lang", "shown"),
    [
        (JAKARTA, "en", "Thu 26 Nov 2026, 10:00 WIB"),
        (JAKARTA, "id", "Kam 26 Nov 2026, 10:00 WIB"),
        (JAKARTA, "xx", "Thu 26 Nov 2026, 10:00 WIB"),
        (UTC, "en", "Thu 26 Nov 2026, 03:00 UTC"),
        (ZoneInfo("Asia/Singapore"), "en", "Thu 26 Nov 2026, 11:00 UTC+08"),
        (timezone(timedelta(hours=5, minutes=30)), "en", "Thu 26 Nov 2026, 08:30 UTC+05:30"),
    ],
)
def test_an_instant_is_described_in_full_with_its_zone(zone: ZoneInfo, lang: str, shown: str) -> None:
    assert describe(NOW.timestamp(), zone, lang) == shown


# ---------------------------------------------------------------- properties

PHRASES = [
    "30m", "2h", "1d", "jam", "pukul", "besok", "lusa", "tomorrow", "next", "monday", "senin", "minggu", "depan", "ini",
    "hari", "eod", "9", "9am", "14:00", "2026-12-01", "05/06", "31/12", "1", "dec", "des", "setengah", "malam", "pagi",
    "at", "in", "lagi", "until", "reply", "99", "2030", "0", "wib", "12", "-", ",", "tonight", "week", "month", "a",
    "half", "noon", "29 feb",
]  # fmt: skip


def wall(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time on the wall, in no zone: what hypothesis takes as bounds."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC).replace(tzinfo=None)


ZONES = ["Asia/Jakarta", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"]
moments = st.datetimes(wall(2024, 1, 1), wall(2040, 1, 1), timezones=st.sampled_from(ZONES).map(ZoneInfo))


@given(
    st.one_of(st.lists(st.sampled_from(PHRASES), max_size=6).map(" ".join), wild_text, st.text(max_size=30)), moments
)
def test_any_words_are_a_time_within_a_year_or_a_user_error(words: str, now: datetime) -> None:
    try:
        when = parse(words, now)
    except UserError as refused:
        say("en", refused.key, **refused.params)
        return
    if when is not None:
        assert timedelta(minutes=1) <= when.astimezone(UTC) - now.astimezone(UTC) <= timedelta(days=366, hours=2)
        assert when.tzinfo is now.tzinfo


UNITS = {"m": 60, "h": 3600, " min": 60, " menit": 60, " jam": 3600, " hours": 3600}


@given(st.lists(st.tuples(st.integers(1, 500), st.sampled_from(sorted(UNITS))), min_size=1, max_size=3), moments)
def test_lengths_add_up(amounts: list[tuple[int, str]], now: datetime) -> None:
    when = parse(" ".join(f"{count}{unit}" for count, unit in amounts), now)
    assert when is not None
    ahead = timedelta(seconds=sum(count * UNITS[unit] for count, unit in amounts))
    assert when.astimezone(UTC) - now.astimezone(UTC) == ahead


@given(st.integers(1, 364), moments)
def test_days_keep_the_wall_clock(days: int, now: datetime) -> None:
    when = parse(f"{days}d", now)
    assert when is not None
    if when.replace(tzinfo=None) != now.replace(tzinfo=None) + timedelta(days=days):
        # the clocks jumped over that time, or the whole day
        assert when.astimezone(UTC).astimezone(now.tzinfo).replace(tzinfo=None) == when.replace(tzinfo=None)
        assert abs(when.replace(tzinfo=None) - now.replace(tzinfo=None) - timedelta(days=days)) <= timedelta(days=1)


@given(st.datetimes(wall(2026, 11, 26, 10, 2), wall(2027, 11, 26, 9, 59)))
def test_a_written_date_is_read_back(when: datetime) -> None:
    minute = when.replace(second=0, microsecond=0)
    assert read(f"{minute:%Y-%m-%d %H:%M}") == f"{minute:%Y-%m-%d %H:%M}"
    assert read(f"{minute:%d %b %Y at %I:%M %p}") == f"{minute:%Y-%m-%d %H:%M}"
