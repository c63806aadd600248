"""Slack's names of emoji: from Unicode for reactions that we add, to Unicode for what agents type.

Most of Slack's names are aliases that the `emoji` library knows too; what differs follows a few rules and a table.
Names never contain the colons around them.
"""

from __future__ import annotations

import re
from functools import cache

import emoji

_OWN = {  # where an emoji comes twice, its first name is the one we use
    "+1": "👍", "-1": "👎", "hand": "✋", "keycap_star": "*️⃣", "email": "✉️", "calendar": "📆",
    "mostly_sunny": "🌤️", "barely_sunny": "🌥️", "rain_cloud": "🌧️", "partly_sunny_rain": "🌦️",
    "snow_cloud": "🌨️", "lightning": "🌩️", "knife_fork_plate": "🍽️", "medal": "🎖️",
    "eye-in-speech-bubble": "👁️‍🗨️", "spock-hand": "🖖", "the_horns": "🤘", "i_love_you_hand_sign": "🤟",
    "face_with_cowboy_hat": "🤠", "face_palm": "🤦", "person_doing_cartwheel": "🤸", "juggling": "🤹",
    "fencer": "🤺", "wrestlers": "🤼", "woman-wrestling": "🤼‍♀️", "man-wrestling": "🤼‍♂️", "handball": "🤾",
    "drum_with_drumsticks": "🥁", "first_place_medal": "🥇", "second_place_medal": "🥈", "third_place_medal": "🥉",
    "kiwifruit": "🥝", "smiling_face_with_3_hearts": "🥰", "womans_flat_shoe": "🥿", "giraffe_face": "🦒",
    "zebra_face": "🦓", "ladybug": "🐞", "mate_drink": "🧉", "octagonal_sign": "🛑", "shopping_trolley": "🛒",
    "scooter": "🛴", "eject": "⏏️", "bride_with_veil": "👰", "man_with_turban": "👳", "guardsman": "💂",
    "ok_woman": "🙆", "red_haired_person": "🧑‍🦰", "curly_haired_person": "🧑‍🦱", "bald_person": "🧑‍🦲",
    "white_haired_person": "🧑‍🦳", "woman_with_beard": "🧔‍♀️", "man_with_beard": "🧔‍♂️",
    "person_with_headscarf": "🧕", "male-doctor": "👨‍⚕️", "female-doctor": "👩‍⚕️", "blond-haired-woman": "👱‍♀️",
    "blond-haired-man": "👱‍♂️", "women-with-bunny-ears-partying": "👯‍♀️",
    "men-with-bunny-ears-partying": "👯‍♂️", "man-heart-man": "👨‍❤️‍👨", "woman-heart-man": "👩‍❤️‍👨",
    "woman-heart-woman": "👩‍❤️‍👩", "man-kiss-man": "👨‍❤️‍💋‍👨", "woman-kiss-man": "👩‍❤️‍💋‍👨",
    "woman-kiss-woman": "👩‍❤️‍💋‍👩", "horse": "🐴", "train": "🚋", "guide_dog": "🦮", "egg": "🥚", "turkey": "🦃",
    "japan": "🗾", "kiss": "💋", "tangerine": "🍊", "fried_egg": "🍳", "film_frames": "🎞️",
    "admission_tickets": "🎟️", "sports_medal": "🏅", "weight_lifter": "🏋️", "golfer": "🏌️",
    "snow_capped_mountain": "🏔️", "beach_with_umbrella": "🏖️", "rainbow-flag": "🏳️‍🌈",
    "flag-england": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "flag-scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "flag-wales": "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", "black_bird": "🐦‍⬛",
    "facepunch": "👊", "red_haired_man": "👨‍🦰", "curly_haired_man": "👨‍🦱", "bald_man": "👨‍🦲",
    "white_haired_man": "👨‍🦳", "red_haired_woman": "👩‍🦰", "curly_haired_woman": "👩‍🦱", "bald_woman": "👩‍🦲",
    "white_haired_woman": "👩‍🦳", "man_with_probing_cane": "👨‍🦯", "woman_with_probing_cane": "👩‍🦯",
    "person_with_blond_hair": "👱", "information_desk_person": "💁", "satellite_antenna": "📡", "e-mail": "📧",
    "camera_with_flash": "📸", "keycap_ten": "🔟", "man_in_business_suit_levitating": "🕴️",
    "linked_paperclips": "🖇️", "middle_finger": "🖕", "ballot_box_with_ballot": "🗳️",
    "slightly_smiling_face": "🙂", "face_with_rolling_eyes": "🙄", "person_frowning": "🙍",
    "person_with_pouting_face": "🙎", "non-potable_water": "🚱", "sleeping_accommodation": "🛌",
    "shopping_bags": "🛍️", "airplane_departure": "🛫", "satellite": "🛰️", "thinking_face": "🤔",
    "left-facing_fist": "🤛", "right-facing_fist": "🤜", "rolling_on_the_floor_laughing": "🤣", "star-struck": "🤩",
    "face_with_symbols_on_mouth": "🤬", "face_with_hand_over_mouth": "🤭", "face_vomiting": "🤮",
    "breast-feeding": "🤱", "glass_of_milk": "🥛", "gorilla": "🦍", "cheese_wedge": "🧀", "face_with_monocle": "🧐",
    "person_in_steamy_room": "🧖", "person_climbing": "🧗", "person_in_lotus_position": "🧘",
    "one-piece_swimsuit": "🩱", "briefs": "🩲", "x-ray": "🩻", "yo-yo": "🪀", "umbrella": "☂️", "snowman": "☃️",
    "umbrella_with_rain_drops": "☔", "snowman_without_snow": "⛄", "umbrella_on_ground": "⛱️",
    "person_with_ball": "⛹️", "heavy_heart_exclamation_mark_ornament": "❣️", "o": "⭕", "beetle": "🪲",
    "black_left_pointing_double_triangle_with_vertical_bar": "⏮️", "man_and_woman_holding_hands": "👫",
    "exploding_head": "🤯", "sun_small_cloud": "🌤️", "sun_behind_cloud": "🌥️", "lightning_cloud": "🌩️",
    "tornado_cloud": "🌪️", "hand_with_index_and_middle_fingers_crossed": "🤞", "staff_of_aesculapius": "⚕️",
    "face_with_one_eyebrow_raised": "🤨", "woman-with-bunny-ears-partying": "👯‍♀️",
    "man-with-bunny-ears-partying": "👯‍♂️", "mother_christmas": "🤶", "shocked_face_with_exploding_head": "🤯",
    "simple_smile": "🙂", "large_red_square": "🟥",
}  # fmt: skip
_FAMILY = {"man": "👨", "woman": "👩", "boy": "👦", "girl": "👧"}
_RELATIVES = {person: word for word, person in _FAMILY.items()}
_FEMALE = {"male": "man", "female": "woman"}
_MALE = {sex: word for word, sex in _FEMALE.items()}
_CREATURES = frozenset({"superhero", "supervillain", "mage", "fairy", "vampire", "elf", "genie", "zombie"})
_UNHYPHENED = re.compile(r"(?:in|with)_.*|standing|kneeling|climbing|feeding_baby|.*_facing_right")
_COLOURS = frozenset({"orange", "yellow", "green", "purple", "brown", "blue"})
_UNIFORMED = frozenset({"police_officer", "construction_worker", "guard", "detective"})
_TONES = ("🏻", "🏼", "🏽", "🏾", "🏿")  # Slack counts them from 2
_NAME = re.compile(r"([^:\s]+?)(?:::skin-tone-([2-6]))?")
_COUNTRY = re.compile(r"flag-([a-z])([a-z])")
_COLOURED = re.compile(r"large_(\w+_(?:circle|square))")
_SEX = re.compile(r"(male|female|man|woman)[-_]([\w-]+)")
_ZWJ, _AS_EMOJI = "\u200d", "\ufe0f"


def emoji_unicode(name: str) -> str:
    """The emoji that Slack calls `name` (with or without colons or a skin tone); empty for a custom one."""
    found = _NAME.fullmatch(name.strip(":").lower())
    if not found:
        return ""
    base = _named(found[1])
    return _toned(base, int(found[2])) if base and found[2] else base


def emoji_name(unicode: str) -> str:
    """Slack's name for an emoji, as `reactions.add` wants it; empty if Slack has none."""
    tones = [number for number, tone in enumerate(_TONES, 2) if tone in unicode]
    if tones and unicode not in _TONES:
        unicode = "".join(char for char in unicode if char not in _TONES)
        name = _by_unicode().get(_bare(unicode), "")
        return f"{name}::skin-tone-{tones[0]}" if name else ""
    return _by_unicode().get(_bare(unicode), "")


def _bare(unicode: str) -> str:
    return unicode.replace(_AS_EMOJI, "")


def _toned(base: str, number: int) -> str:
    toned = base[0] + _TONES[number - 2] + base[1:].removeprefix(_AS_EMOJI)
    return toned if toned in emoji.EMOJI_DATA else base


# ---------------------------------------------------------------- the two tables


@cache
def _by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for field in ("alias", "en"):  # an alias wins over another emoji's official name, as with Slack
        for unicode, data in emoji.EMOJI_DATA.items():
            if data["status"] <= emoji.STATUS["fully_qualified"]:
                for name in data.get("alias", []) if field == "alias" else [data["en"]]:
                    names.setdefault(name.strip(":").lower(), unicode)
    names.update((f"skin-tone-{number}", tone) for number, tone in enumerate(_TONES, 2))
    return names | _OWN


@cache
def _by_unicode() -> dict[str, str]:
    names: dict[str, str] = {}
    for name, unicode in _OWN.items():
        names.setdefault(_bare(unicode), name)
    for number, tone in enumerate(_TONES, 2):
        names[tone] = f"skin-tone-{number}"
    for unicode, data in emoji.EMOJI_DATA.items():
        if data["status"] <= emoji.STATUS["fully_qualified"] and not any(tone in unicode for tone in _TONES):
            aliases = [alias.strip(":") for alias in data.get("alias", [])]
            names.setdefault(_bare(unicode), _slack_name(unicode, aliases, data["en"].strip(":")))
    return names


def _slack_name(unicode: str, aliases: list[str], official: str) -> str:
    """What Slack calls an emoji that is not in the table."""
    if len(unicode) == 2 and all("\U0001f1e6" <= char <= "\U0001f1ff" for char in unicode):
        return "flag-" + "".join(chr(ord(char) - 0x1F1E6 + ord("a")) for char in unicode)
    if all(part in _RELATIVES for part in unicode.split(_ZWJ)) and _ZWJ in unicode:
        return "-".join(_RELATIVES[part] for part in unicode.split(_ZWJ))
    if official.partition("_")[0] in _COLOURS and _COLOURED.fullmatch(f"large_{official}"):
        return f"large_{official}"
    person = _SEX.fullmatch(official)
    if not person or _ZWJ not in unicode:
        return aliases[0] if aliases else official
    sex, role = person[1], person[2].lower()
    if _UNHYPHENED.fullmatch(role):
        return official
    if role in _CREATURES:
        return f"{_MALE[sex]}_{role}"
    work = role in _UNIFORMED or not ("\u2640" in unicode or "\u2642" in unicode)
    return f"{_MALE[sex] if work else sex}-{role.replace('_', '-')}"


def _named(name: str) -> str:
    names = _by_name()
    if name in names:
        return names[name]
    if country := _COUNTRY.fullmatch(name):
        flag = "".join(chr(ord(letter) - ord("a") + 0x1F1E6) for letter in country.groups())
        return flag if flag in emoji.EMOJI_DATA else ""
    if coloured := _COLOURED.fullmatch(name):
        return names.get(coloured[1], "")
    if all(part in _FAMILY for part in name.split("-")):
        family = _ZWJ.join(_FAMILY[part] for part in name.split("-"))
        return family if family in emoji.EMOJI_DATA else ""
    if person := _SEX.fullmatch(name):
        return names.get(f"{_FEMALE.get(person[1], person[1])}_{person[2].replace('-', '_')}", "")
    return names.get(name.replace("-", "_"), "")
