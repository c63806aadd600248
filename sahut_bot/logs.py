"""Structured logs on stderr: one event name per line, its facts beside it, never a message's text and never a secret.

Write `structlog.get_logger(__name__)` and then `log.info("outbox.sent", lane=..., took=...)`. The event is a fixed
name of the form `noun.verb`; what varies goes into keys. What libraries log through `logging` comes the same way,
from warnings up.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"

# Keys under which nothing may be shown, wherever they stand in a key's name.
_SECRET_KEY = re.compile(r"token|secret|passw|authorization|cookie|signature|credential|api_?key", re.IGNORECASE)
# Keys that hold what people wrote, or a payload in which it stands.
_PRIVATE_KEYS = frozenset(
    {"attachments", "blocks", "body", "caption", "content", "email", "message", "payload", "phone", "raw", "text"}
)
# Secrets inside values, such as a URL in a library's error: Slack tokens, bearer tokens, credentials, query values.
_SECRET_VALUE = re.compile(
    r"""xox[a-z](\.xox[a-z])?-[\w%.-]+
      | xapp-[\w%.-]+
      | (?<=bearer\s)[\w.~+/=-]+
      | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)
      | (?<=[?&])(\w*(?:token|secret|signature|sig|password|ticket)\w*)=[^&\s'"]+""",
    re.IGNORECASE | re.VERBOSE,
)


def setup(level: str = "info", fmt: Literal["json", "console"] = "json") -> None:
    """Sends every log line to stderr. `level` is for this program's own lines; libraries speak from warnings up."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Before `censor`, which so sees the traceback; it has no local variables, in which texts and tokens stand.
        structlog.processors.format_exc_info,
        censor,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(fmt)],
            # `shared` has rendered it already; logging must not add the raw one.
            keep_exc_info=False,
        )
    )
    handler.addFilter(_is_news)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sahut_bot").setLevel(level.upper())
    logging.captureWarnings(True)


def _is_news(record: logging.LogRecord) -> bool:
    """uvicorn calls each WebSocket that was refused with an answer an error: whoever likes could fill the logs."""
    return record.name != "uvicorn.error" or "returned without completing handshake" not in record.getMessage()


def _renderer(fmt: str) -> Processor:
    if fmt == "console":
        return structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def censor(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last look at a line before it is written: hides secrets and what people wrote."""
    return {key: _hide(key, value) for key, value in event.items()}


def _hide(key: str, value: Any) -> Any:
    if key.startswith("_"):  # structlog's own
        return value
    if value is None or isinstance(value, int | float):
        return value
    if _SECRET_KEY.search(key) or key.lower() in _PRIVATE_KEYS:
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_VALUE.sub(lambda found: f"{found[2]}={HIDDEN}" if found[2] else HIDDEN, value)
    if isinstance(value, Mapping):
        return {str(inner): _hide(str(inner), content) for inner, content in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hide("", content) for content in value]
    return _hide("", str(value))
