"""Settings: what is read from where, and the one line a wrong one gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from sahut_bot.errors import ConfigError
from sahut_bot.settings import LivechatSettings, Settings, SlackSettings, load

WEB = "SAHUT_CHANNELS__WEB__"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"SAHUT_{name}", value)
    return load()


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(monkeypatch, **variables)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_set_is_fine_and_gives_the_documented_defaults():
    settings = load()
    assert settings.database_url == "sqlite+aiosqlite:///var/sahut.db"
    assert (settings.data_dir, settings.http.host, settings.http.port) == (Path("var"), "127.0.0.1", 8080)
    assert (settings.public_url, settings.language, settings.channels) == (None, "en", {})
    assert settings.slack.api_url == "https://slack.com/api/"
    assert (settings.slack.posts_per_second, settings.slack.catch_up_hours, settings.retry_hours) == (1, 72, 24)


def test_the_sqlite_file_follows_the_data_directory(monkeypatch):
    assert read(monkeypatch, DATA_DIR="/srv/sahut").database_url == "sqlite+aiosqlite:////srv/sahut/sahut.db"


def test_a_channel_gets_its_own_kinds_settings_under_a_lower_case_name(monkeypatch):
    channel = read(
        monkeypatch,
        CHANNELS__WEB__KIND="livechat",
        CHANNELS__WEB__ORIGINS="https://Shop.example/, http://127.0.0.1:9000",
        CHANNELS__WEB__THREAD_MODE="note",
        CHANNELS__WEB__NEW_AFTER_DAYS="0",
        CHANNELS__WEB__THANKS_REOPENS="false",
        CHANNELS__WEB__TEAMCHAT="slack:C42",
    ).channels["web"]
    assert isinstance(channel, LivechatSettings)
    assert channel.origins == ("https://shop.example", "http://127.0.0.1:9000")
    assert (channel.thread_mode, channel.new_after_days, channel.thanks_reopens) == ("note", 0, False)
    assert (channel.teamchat, channel.display_name, channel.form) == ("slack:C42", "Live chat", "off")
    assert (channel.reply_hold_seconds, channel.greeting, channel.identity_secret) == (5, "", None)


def test_text_stays_text_even_if_it_looks_like_json(monkeypatch):
    settings = read(
        monkeypatch,
        CHANNELS__WEB__KIND="livechat",
        CHANNELS__WEB__IDENTITY_SECRET="123456",
        CHANNELS__WEB__GREETING="true",
        SLACK__SIGNING_SECRET='{"a": 1}',
    )
    channel = settings.channels["web"]
    assert isinstance(channel, LivechatSettings)
    assert channel.identity_secret is not None
    assert channel.identity_secret.get_secret_value() == "123456"
    assert channel.greeting == "true"
    assert settings.slack.signing_secret is not None
    assert settings.slack.signing_secret.get_secret_value() == '{"a": 1}'


def test_the_environment_beats_the_env_file_which_beats_the_toml_file(monkeypatch):
    Path("sahut.toml").write_text(
        'language = "id"\ntimezone = "Asia/Jakarta"\nretry_hours = 1\n'
        '[slack]\nbot_token = "xoxb-toml"\nchannel = "C1"\n[channels.Web]\nkind = "livechat"\nform = "required"\n'
    )
    Path(".env").write_text(
        f"SAHUT_LANGUAGE=en\nSAHUT_RETRY_HOURS=2\nSAHUT_SLACK__CHANNEL=C2\n{WEB}FORM=optional\nCOMPOSE_FILE=x.yml\n"
    )
    settings = read(monkeypatch, RETRY_HOURS="3", CHANNELS__WEB__GREETING="Hello")
    assert (settings.retry_hours, settings.language, settings.timezone) == (3, "en", "Asia/Jakarta")
    assert settings.slack.channel == "C2"
    assert settings.slack.bot_token is not None
    assert settings.slack.bot_token.get_secret_value() == "xoxb-toml"
    channel = settings.channels["web"]
    assert isinstance(channel, LivechatSettings)
    assert (channel.form, channel.greeting) == ("optional", "Hello")


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    settings = read(monkeypatch, PUBLIC_URL="", SLACK__APP_TOKEN="", HTTP__PORT="")
    assert (settings.public_url, settings.slack.app_token, settings.http.port) == (None, None, 8080)


def test_settings_built_by_hand_read_no_environment(monkeypatch):
    monkeypatch.setenv("SAHUT_LANGUAGE", "id")
    assert Settings().language == "en"


def test_addresses_come_in_one_shape(monkeypatch):
    settings = read(monkeypatch, PUBLIC_URL="https://inbox.example/", SLACK__API_URL="http://127.0.0.1:5000/api")
    assert settings.public_url == "https://inbox.example"
    assert settings.slack.api_url == "http://127.0.0.1:5000/api/"


def test_lists_are_comma_separated(monkeypatch):
    settings = read(
        monkeypatch, ADMINS="slack:U1, slack:U2,", MEDIA__ALLOWED_HOSTS="http://127.0.0.1:9000,cdn.example:443"
    )
    assert settings.admins == ("slack:U1", "slack:U2")
    assert settings.media.allowed_hosts == ("http://127.0.0.1:9000", "cdn.example:443")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HTTP__PORT", "web", "integer"),
        ("LANGUAGE", "fr", "'en' or 'id'"),
        ("TIMEZONE", "Mars/North", "Asia/Jakarta"),
        ("TIMEZONE", "../../etc/passwd", "Asia/Jakarta"),
        ("PUBLIC_URL", "inbox.example.com", "https://"),
        ("DATABASE_URL", "postgres://h/db", "postgresql+asyncpg://"),
        ("ADMINS", "U123", "slack:U0123ABCD"),
        ("MEDIA__ALLOWED_HOSTS", "http://a.example/files", "without a path"),
        ("SLACK__CHANNEL", "#support", "C0123ABCD"),
        ("SLACK__BOT_TOKEN", "xapp-1-secret", "xoxb-"),
        ("SLACK__POSTS_PER_SECOND", "-1", "greater than or equal to 0"),
        ("RETRY_HOURS", "nan", "finite"),
        ("LOG_FORMAT", "xml", "'json' or 'console'"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(monkeypatch, variable, value, says):
    line = refusal(monkeypatch, **{variable: value})
    assert line.startswith(f"SAHUT_{variable}: ")
    assert says in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("KIND", "pigeon", "it knows livechat"),
        ("TEAMCHAT", "irc", "write slack"),
        ("ORIGINS", "https://a.example/page", "without a path"),
        ("THREAD_MODE", "loud", "'reply' or 'note'"),
        ("REPLY_HOLD_SECONDS", "soon", "number"),
    ],
)
def test_a_wrong_value_of_a_channel_is_refused_by_name(monkeypatch, field, value, says):
    line = refusal(monkeypatch, **{"CHANNELS__WEB__KIND": "livechat", f"CHANNELS__WEB__{field}": value})
    assert line.startswith(f"{WEB}{field}: ")
    assert says in line


def test_a_channel_without_a_kind_is_told_the_kinds(monkeypatch):
    line = refusal(monkeypatch, CHANNELS__WEB__ORIGINS="https://a.example")
    assert line == f"{WEB}KIND is not set; known kinds of channel: livechat"


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("LANG", "SAHUT_LANGUAGE"),
        ("SLACK__BOT_TOKN", "SAHUT_SLACK__BOT_TOKEN"),
        ("SLAK__CHANNEL", "SAHUT_SLACK__CHANNEL"),
        ("CHANNELS__WEB__ORIGIN", f"{WEB}ORIGINS"),
        ("CHANNEL__WEB__KIND", f"{WEB}KIND"),
    ],
)
def test_a_mistyped_variable_is_refused_with_a_suggestion(monkeypatch, typo, meant):
    assert refusal(monkeypatch, **{typo: "x"}) == f"SAHUT_{typo} is not a setting; did you mean {meant}?"


def test_a_mistyped_name_is_found_in_both_files():
    Path(".env").write_text("SAHUT_LANGAUGE=id\n")
    with pytest.raises(ConfigError, match="SAHUT_LANGAUGE is not a setting; did you mean SAHUT_LANGUAGE"):
        load()
    Path(".env").unlink()
    Path("sahut.toml").write_text("[slack]\nchanel = 'C1'\n")
    with pytest.raises(ConfigError, match="did you mean SAHUT_SLACK__CHANNEL"):
        load()


def test_a_broken_toml_file_is_one_line():
    Path("sahut.toml").write_text("language = \n")
    with pytest.raises(ConfigError, match=r"^sahut\.toml cannot be read: .+$"):
        load()


def test_the_switch_of_the_test_runner_is_no_typo(monkeypatch):
    assert read(monkeypatch, REQUIRE_ALL="1").language == "en"


def test_secrets_never_show_in_the_representation(monkeypatch):
    settings = read(
        monkeypatch,
        DATABASE_URL="postgresql+asyncpg://u:hush@db/x",
        SLACK__BOT_TOKEN="xoxb-hush",
        SLACK__SIGNING_SECRET="hush",
        CHANNELS__WEB__KIND="livechat",
        CHANNELS__WEB__IDENTITY_SECRET="hush",
    )
    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)


def slack(**changes: str) -> SlackSettings:
    values = {"bot_token": "xoxb-1", "channel": "C1", "app_token": "xapp-1", **changes}
    return SlackSettings.model_validate({name: value for name, value in values.items() if value})


WEB_CHANNEL = {"web": LivechatSettings(kind="livechat")}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (Settings(channels=WEB_CHANNEL, slack=slack(bot_token="")), "SAHUT_SLACK__BOT_TOKEN"),
        (Settings(channels=WEB_CHANNEL, slack=slack(channel="")), "SAHUT_SLACK__CHANNEL"),
        (Settings(channels=WEB_CHANNEL, slack=slack(app_token="")), "SAHUT_SLACK__SIGNING_SECRET"),
        (Settings(slack=slack()), "SAHUT_CHANNELS__<NAME>__KIND"),
    ],
)
def test_run_is_refused_with_the_missing_setting_by_name(settings, names):
    with pytest.raises(ConfigError) as caught:
        settings.require_run()
    line = str(caught.value)
    assert names in line
    assert "\n" not in line


def test_run_needs_either_socket_mode_or_a_signing_secret():
    Settings(channels=WEB_CHANNEL, slack=slack()).require_run()
    http = Settings(channels=WEB_CHANNEL, slack=slack(app_token="", signing_secret="s"))
    http.require_run()
    assert not http.slack.socket_mode


def test_the_example_file_loads_as_it_is_and_then_misses_only_slack():
    example = Path(__file__).parents[1] / ".env.example"
    settings = load(example)
    assert set(settings.channels) == {"web"}
    with pytest.raises(ConfigError, match="SAHUT_SLACK__BOT_TOKEN"):
        settings.require_run()
