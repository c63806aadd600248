"""How to run, read once at the start from the environment, `.env` and `sahut.toml` (in this order of strength).

The only module that reads the environment. How the workspace *behaves* (roles, labels, hours) lives in the database,
since people change that from chat. `Settings` itself is a plain frozen value, so tests and the demo build their own.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import tzlocal
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    SerializeAsAny,
    ValidationError,
    WrapValidator,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sahut_bot.errors import ConfigError

PREFIX = "SAHUT_"
TEAM_CHATS = ("slack",)
# Read by the tests, not by the program.
NOT_OURS = frozenset({"SAHUT_REQUIRE_ALL"})


# ---------------------------------------------------------------- values


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("no such time zone; write one like Asia/Jakarta or UTC") from None
    return name


def host_zone() -> str:
    """The machine's time zone by its IANA name, or UTC where it cannot be told."""
    try:
        return _known_zone(tzlocal.get_localzone_name())
    except (LookupError, ValueError, OSError):
        return "UTC"


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write a whole address, like https://inbox.example.com")
    return value.rstrip("/")


def _origin(value: str) -> str:
    parts = urlsplit(value.rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query or parts.username:
        raise ValueError("write origins without a path, like https://shop.example.com")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _media_host(value: str) -> str:
    if not re.fullmatch(r"(https?://)?(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?", value, re.IGNORECASE):
        raise ValueError("write hosts without a path, like files.example.com:443 or http://127.0.0.1:9000")
    return value.lower()


def _admin(value: str) -> str:
    if not re.fullmatch(r"[a-z]+:\w+", value):
        raise ValueError("write each admin as the team chat and the member's id, like slack:U0123ABCD")
    return value


def _place(value: str) -> str:
    if not re.fullmatch(rf"({'|'.join(TEAM_CHATS)})(:[\w-]+)?", value):
        raise ValueError(f"write {' or '.join(TEAM_CHATS)}, or with a channel's id like slack:C0123ABCD")
    return value


def _database(value: str) -> str:
    if not value.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        raise ValueError("write sqlite+aiosqlite:///path/to/file or postgresql+asyncpg://user:password@host/name")
    return value


def _known_kind(value: str) -> str:
    kind = value.lower()
    if kind not in CHANNEL_KINDS:
        raise ValueError(f"not a kind of channel this version knows; it knows {', '.join(CHANNEL_KINDS)}")
    return kind


def _channel_name(value: str) -> str:
    name = value.lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
        raise ValueError("name channels with letters, digits, _ and -, 40 at most")
    return name


def _channel(value: Any, validate: Any) -> Any:
    """Hands the settings of a channel to the class of its kind; without a known kind the common class complains."""
    if isinstance(value, ChannelSettings):
        return value
    kind = value.get("kind") if isinstance(value, Mapping) else None
    own = CHANNEL_KINDS.get(kind.lower()) if isinstance(kind, str) else None
    return own.model_validate(value) if own else validate(value)


WebAddress = Annotated[str, AfterValidator(_web_address)]
Lowered = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)


class _Group(BaseModel):
    # Inputs stay out of error messages: they may be secrets.
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True, allow_inf_nan=False
    )


# ---------------------------------------------------------------- groups


class HttpSettings(_Group):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)  # 0: any free one


class MediaSettings(_Group):
    """Where files may be fetched from, beside the platforms' own hosts. Plain HTTP or loopback only if written so."""

    allowed_hosts: Annotated[tuple[Annotated[str, AfterValidator(_media_host)], ...], BeforeValidator(_split)] = ()


class SlackSettings(_Group):
    bot_token: SecretStr | None = None
    channel: str | None = None  # the default team channel's id
    app_token: SecretStr | None = None  # Socket Mode
    signing_secret: SecretStr | None = None  # HTTP mode
    api_url: WebAddress = "https://slack.com/api/"
    posts_per_second: float = Field(1.0, ge=0)  # in one channel; 0: no pacing of our own
    catch_up_hours: float = Field(72.0, ge=0)  # how far back to look on start

    @property
    def socket_mode(self) -> bool:
        return self.app_token is not None

    @field_validator("api_url")
    @classmethod
    def _with_slash(cls, value: str) -> str:
        return value.rstrip("/") + "/"

    @field_validator("channel")
    @classmethod
    def _an_id(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w-]+", value):
            raise ValueError("write the channel's id, like C0123ABCD (at the end of the channel's details)")
        return value

    @field_validator("bot_token")
    @classmethod
    def _not_the_other_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value().startswith("xapp-"):
            raise ValueError("this is the app-level token (xapp-); the bot token begins with xoxb-")
        return value


class ChannelSettings(_Group):
    """What every customer channel has, whatever its kind."""

    kind: Annotated[str, AfterValidator(_known_kind)]
    display_name: str = ""
    teamchat: Annotated[str, AfterValidator(_place)] = TEAM_CHATS[0]
    thread_mode: Annotated[Literal["reply", "note"], Lowered] = "reply"
    reply_hold_seconds: float = Field(5.0, ge=0, le=3600)
    new_after_days: float = Field(30.0, ge=0)  # 0: always reopen
    thanks_reopens: bool = True


class LivechatSettings(ChannelSettings):
    display_name: str = "Live chat"
    # Sites that may embed the widget; empty: only the bot's own pages.
    origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(_split)] = ()
    identity_secret: SecretStr | None = None
    form: Annotated[Literal["off", "optional", "required"], Lowered] = "off"  # asks for name and e-mail first
    greeting: str = ""


CHANNEL_KINDS: dict[str, type[ChannelSettings]] = {"livechat": LivechatSettings}


# ---------------------------------------------------------------- all of it


class Settings(_Group):
    """Everything that says how to run. Building one by hand reads no environment; `load` does."""

    data_dir: Path = Path("var")
    database_url: Annotated[str, AfterValidator(_database)] = Field(
        default_factory=lambda known: f"sqlite+aiosqlite:///{known.get('data_dir', 'var')}/sahut.db",
        repr=False,  # may hold a password
    )
    http: HttpSettings = HttpSettings()
    public_url: WebAddress | None = None
    language: Annotated[Literal["en", "id"], Lowered] = "en"
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(default_factory=host_zone)
    admins: Annotated[tuple[Annotated[str, AfterValidator(_admin)], ...], BeforeValidator(_split)] = ()
    media: MediaSettings = MediaSettings()
    slack: SlackSettings = SlackSettings()
    channels: dict[
        Annotated[str, AfterValidator(_channel_name)],
        Annotated[SerializeAsAny[ChannelSettings], WrapValidator(_channel)],
    ] = Field(default_factory=dict)
    retry_hours: float = Field(24.0, gt=0)  # after that a reply that cannot be sent ends as failed
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lowered] = "info"
    log_format: Annotated[Literal["json", "console"], Lowered] = "json"

    def require_run(self) -> None:
        """Raises `ConfigError`, in one line, when something is missing that `run` cannot do without."""
        slack = self.slack
        missing = []
        if slack.bot_token is None:
            missing.append("SAHUT_SLACK__BOT_TOKEN (the bot token, xoxb-…; `sahut-bot manifest slack` makes the app)")
        if slack.channel is None:
            missing.append("SAHUT_SLACK__CHANNEL (the id of the team's channel, like C0123ABCD)")
        if slack.app_token is None and slack.signing_secret is None:
            missing.append(
                "SAHUT_SLACK__APP_TOKEN (xapp-…, Socket Mode) or SAHUT_SLACK__SIGNING_SECRET (guards Slack's webhooks)"
            )
        if not self.channels:
            missing.append("SAHUT_CHANNELS__<NAME>__KIND (a customer channel, like SAHUT_CHANNELS__WEB__KIND=livechat)")
        if missing:
            raise ConfigError(f"Not set: {'; '.join(missing)}. Put it into the environment or .env")


class _Undecoded:
    """Values stay text: a secret of digits is no number, and lists are comma-separated, not JSON."""

    def decode_complex_value(self, field_name: str, field: object, value: Any) -> Any:
        return value


class _Environment(_Undecoded, EnvSettingsSource):
    pass


class _EnvFile(_Undecoded, DotEnvSettingsSource):
    pass


class _Toml(TomlConfigSettingsSource):
    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        return _lowered(super()._read_file(file_path))


def _lowered(table: dict[str, Any]) -> dict[str, Any]:
    """Keys in lower case and empty values left out, as the environment's are."""
    filled = {key.lower(): value for key, value in table.items() if value != ""}
    return {key: _lowered(value) if isinstance(value, dict) else value for key, value in filled.items()}


class _Sourced(Settings, BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        dotenv_filtering="only_existing",
        toml_file="sahut.toml",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        return (
            _Environment(settings_cls),
            _EnvFile(settings_cls, env_file=dotenv_settings.env_file),
            _Toml(settings_cls),
        )


def load(env_file: Path | str | None = ".env") -> Settings:
    """Reads the settings. Raises `ConfigError` with one line that names the variable and the way out."""
    try:
        _refuse_unknown(
            name.upper()
            for source in (_Environment(_Sourced), _EnvFile(_Sourced, env_file=env_file))
            for name in source.env_vars
        )
        return _Sourced(_env_file=env_file)
    except ValidationError as error:
        raise ConfigError(_one_line(error.errors(include_input=False))) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"sahut.toml cannot be read: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The settings cannot be read: {error}") from None


def variables() -> list[str]:
    """The environment variable of every setting; a channel's with `<NAME>` for its name."""
    found = list(_walk(Settings, PREFIX))
    for own in CHANNEL_KINDS.values():
        found.extend(_walk(own, f"{PREFIX}CHANNELS__<NAME>__"))
    return list(dict.fromkeys(found))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, f"{prefix}{name.upper()}__")
        elif name != "channels":
            yield prefix + name.upper()


def _refuse_unknown(names: Iterable[str]) -> None:
    known = set(variables())
    for name in names:
        if name.startswith(PREFIX) and name not in NOT_OURS and _generic(name) not in known:
            raise ConfigError(_unknown(name))


def _generic(name: str) -> str:
    return re.sub(rf"^({PREFIX}CHANNELS__)(.+?)(__\w+)$", r"\1<NAME>\3", name)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(_generic(name), variables(), n=1, cutoff=0.7)
    channel = re.match(rf"{PREFIX}CHANNELS?__(.+?)__", name)
    hint = close[0].replace("<NAME>", channel[1] if channel else "<NAME>") if close else ""
    return f"{name} is not a setting{f'; did you mean {hint}?' if hint else '. .env.example lists all of them'}"


def _one_line(errors: list[ErrorDetails]) -> str:
    # A channel without a known kind draws further complaints, which only the kind explains.
    errors = [error for error in errors if error["loc"][-1:] == ("kind",)] or errors
    first = errors[0]
    name = PREFIX + "__".join(part.upper() for part in first["loc"] if isinstance(part, str) and part != "[key]")
    if first["type"] == "extra_forbidden":
        text = _unknown(name)
    elif first["type"] == "missing":
        text = f"{name} is not set; known kinds of channel: {', '.join(CHANNEL_KINDS)}"
    else:
        reason = first["msg"].removeprefix("Value error, ")
        text = f"{name}: {reason[:1].lower()}{reason[1:]}"
    more = len(errors) - 1
    return text + (f" (and {more} more)" if more else "")
