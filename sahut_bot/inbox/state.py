"""The lifecycle as a table: (status, event) -> status. What is absent is refused."""

from __future__ import annotations

from enum import StrEnum

from sahut_bot.errors import UserError
from sahut_bot.types import Status, Wake

OPEN, PENDING, SNOOZED, RESOLVED = Status.OPEN, Status.PENDING, Status.SNOOZED, Status.RESOLVED


class Event(StrEnum):
    CUSTOMER_WROTE = "customer_wrote"
    REPLY_ACCEPTED = "reply_accepted"  # a person's reply; automatic messages and notes are no events
    REPLY_LOST = "reply_lost"  # ended failed or uncertain
    SET_PENDING = "set_pending"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    SNOOZE = "snooze"
    WAKE = "wake"
    TIME_UP = "time_up"


TABLE: dict[tuple[Status, Event], Status] = {
    (OPEN, Event.CUSTOMER_WROTE): OPEN,
    (PENDING, Event.CUSTOMER_WROTE): OPEN,
    (SNOOZED, Event.CUSTOMER_WROTE): OPEN,
    (RESOLVED, Event.CUSTOMER_WROTE): OPEN,
    (OPEN, Event.REPLY_ACCEPTED): PENDING,
    (PENDING, Event.REPLY_ACCEPTED): PENDING,
    (SNOOZED, Event.REPLY_ACCEPTED): SNOOZED,
    (RESOLVED, Event.REPLY_ACCEPTED): RESOLVED,
    (OPEN, Event.REPLY_LOST): OPEN,
    (PENDING, Event.REPLY_LOST): OPEN,
    (SNOOZED, Event.REPLY_LOST): OPEN,
    (RESOLVED, Event.REPLY_LOST): OPEN,
    (OPEN, Event.SET_PENDING): PENDING,
    (SNOOZED, Event.SET_PENDING): PENDING,
    (OPEN, Event.RESOLVE): RESOLVED,
    (PENDING, Event.RESOLVE): RESOLVED,
    (SNOOZED, Event.RESOLVE): RESOLVED,
    (PENDING, Event.REOPEN): OPEN,
    (SNOOZED, Event.REOPEN): OPEN,
    (RESOLVED, Event.REOPEN): OPEN,
    (OPEN, Event.SNOOZE): SNOOZED,
    (PENDING, Event.SNOOZE): SNOOZED,
    (SNOOZED, Event.SNOOZE): SNOOZED,
    (SNOOZED, Event.WAKE): OPEN,
    (OPEN, Event.TIME_UP): OPEN,
    (PENDING, Event.TIME_UP): PENDING,
    (SNOOZED, Event.TIME_UP): OPEN,
    (RESOLVED, Event.TIME_UP): RESOLVED,
}


def after(status: Status, event: Event) -> Status:
    """The status that `event` leads to. Raises `UserError` where the table refuses."""
    try:
        return TABLE[status, event]
    except KeyError:
        raise UserError(f"state.refused.{event}", status=status) from None


def customer_wrote(status: Status, *, thanks: bool, wake: Wake, thanks_reopens: bool) -> Status:
    """The status after a customer's message; a bare thanks may be let pass, by the snooze or the channel."""
    if status is SNOOZED and (wake is Wake.NEVER or (wake is Wake.QUESTION and thanks)):
        return SNOOZED
    if status is RESOLVED and thanks and not thanks_reopens:
        return RESOLVED
    return after(status, Event.CUSTOMER_WROTE)
