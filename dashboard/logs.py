"""How log lines look and what never stands in one. Settings name it, so it must not import them.

Lines of every library go through the same processors: those of the standard library's loggers, which ours are, too.
"""

import logging
import logging.config
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.typing import EventDict, Processor, WrappedLogger

type LogFormat = Literal["console", "json"]

HIDDEN = "•••"
_HUSHED = (
    r"(?:x-acs-dingtalk-)?access[_-]?token|app[_-]?secret|client[_-]?secret|suite[_-]?secret|suite[_-]?ticket"
    r"|secret[_-]?key|encryption[_-]?keys?|password|passwd|authorization|cookie|session[_-]?(?:id|key)|csrf\w*"
)
_SECRET_KEY = re.compile(rf"(?:.*_)?(?:{_HUSHED})", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    rf"""((?:{_HUSHED})["']?\s*[=:]\s*["']?)(?:Bearer\s+)?[^\s"'&,;)}}]+""", re.IGNORECASE
)
_BEARER = re.compile(r"(\bBearer\s+)\S+", re.IGNORECASE)
# Tokens of programs, as `invites.tokens` makes them.
_TOKEN = re.compile(r"\bci_[0-9a-f]{16,}")
# What comes behind the host holds ids of conferences and people, and with DingTalk's older interface a token.
_URL = re.compile(r"""(\b[a-z][a-z0-9+.-]*://)(?:[^\s/"'<>]*@)?([^\s/"'<>?#]+)[^\s"'<>]*""", re.IGNORECASE)
# Addresses of ours that hold what opens an account: a sign-up link, and the link to a new password.
_SECRET_PATH = re.compile(r"""(/join/|/sign-in/forgotten/[0-9A-Za-z]+-)[^\s/"'<>?#]+""")
# What people put between the digits of a number; blanks and dashes of any width.
_BETWEEN = r"[\s().\-\u2010-\u2015\uff0d]"
# With a country code, behind a plus (also one written as in an address) or zeros, whatever stands between its digits;
# and what people in China write without one. Digits may be full-width ones.
_NUMBERS = re.compile(
    rf"(?:[+＋]|%2[Bb])(?:{_BETWEEN}{{0,2}}\d){{7,15}}"
    rf"|(?<![\w.-])[0０]{{2}}(?=[1-9１-９])(?:{_BETWEEN}?\d){{9,15}}(?![\w-])"
    rf"|(?<![\w.-])(?:[8８][6６]{_BETWEEN}?)?[1１][3-9３-９]\d(?:{_BETWEEN}?\d{{4}}){{2}}(?![\w-])"
)
_SHOWN_DIGITS = 2
_READS = ("GET ", "HEAD ")


def mask_text(text: str) -> str:
    """``text`` without phone numbers, secrets, and what stands behind the host of an address."""
    text = _URL.sub(r"\1\2/…", text)
    text = _SECRET_PATH.sub(rf"\1{HIDDEN}", text)
    text = _SECRET_VALUE.sub(rf"\1{HIDDEN}", text)
    text = _TOKEN.sub(HIDDEN, _BEARER.sub(rf"\1{HIDDEN}", text))
    return _NUMBERS.sub(lambda number: HIDDEN + number[0][-_SHOWN_DIGITS:], text)


def mask(logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:
    """A processor: masks every text of a line, however deep, and drops the value of every key that names a secret."""
    return {key: _masked(key, value) for key, value in event_dict.items()}


def _masked(key: object, value: Any) -> Any:
    if isinstance(key, str) and _SECRET_KEY.fullmatch(key):
        return HIDDEN
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(name, part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(None, part) for part in value]
    return value if isinstance(value, bool | int | float | None) else mask_text(str(value))


def leave_out_reads(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:
    """A processor: what was read without trouble is a line for DEBUG alone, since open pages ask all the time."""
    is_read = str(event_dict.get("request", "")).startswith(_READS)
    is_well = event_dict.get("code", HTTPStatus.OK) < HTTPStatus.BAD_REQUEST
    if (
        event_dict.get("event") == "request_finished"
        and is_read
        and is_well
        and not logger.isEnabledFor(logging.DEBUG)
    ):
        raise structlog.DropEvent
    return event_dict


def _shared() -> list[Processor]:
    """What is added to every line, whoever writes it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def formatter(*, log_format: LogFormat) -> structlog.stdlib.ProcessorFormatter:
    """What turns a line into text; masking comes last, when nothing but text is left."""
    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if log_format == "console":
        last = ConsoleRenderer(colors=False, exception_formatter=plain_traceback, pad_event_to=0)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            mask,
            last,
        ],
    )


def _no_less_than(level: str, other: str) -> str:
    """The one of the two that lets fewer lines through."""
    return max(level, other, key=logging.getLevelNamesMapping().__getitem__)


def logging_of(*, log_format: LogFormat, level: str) -> dict[str, Any]:
    """The settings' ``LOGGING``: everything to standard error, in one format."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "dashboard.logs.formatter", "log_format": log_format}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # httpx logs every URL at INFO; a URL of ours holds a conferenceId, which belongs in the history only.
            "httpx": {"level": _no_less_than("WARNING", level)},
            "httpcore": {"level": _no_less_than("WARNING", level)},
            # Django would also mail errors with all that was posted, phone numbers included.
            "django": {"handlers": [], "level": _no_less_than("INFO", level)},
            # Each request is told once, by our middleware, without its query.
            "django.request": {"level": "CRITICAL"},
            "django.server": {"handlers": [], "level": "CRITICAL", "propagate": True},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    """What Django calls with `logging_of`, as the setting ``LOGGING_CONFIG`` says."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            leave_out_reads,
            *_shared(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
