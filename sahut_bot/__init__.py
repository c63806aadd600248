"""A customer inbox for teams that live in Slack or Discord."""

__version__ = "0.1.0"
