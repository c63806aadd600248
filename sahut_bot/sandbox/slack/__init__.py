"""A stand-in for Slack on loopback: strict where Slack is, for tests and for the demo."""

from sahut_bot.sandbox.slack.failure import ApiError, DriverError, ManifestError
from sahut_bot.sandbox.slack.manifest import Manifest
from sahut_bot.sandbox.slack.model import Ack, Call, Ephemeral
from sahut_bot.sandbox.slack.server import SlackServer
from sahut_bot.sandbox.slack.workspace import Credentials, SlackWorkspace

__all__ = [
    "Ack",
    "ApiError",
    "Call",
    "Credentials",
    "DriverError",
    "Ephemeral",
    "Manifest",
    "ManifestError",
    "SlackServer",
    "SlackWorkspace",
]
