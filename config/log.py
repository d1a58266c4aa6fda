"""Log lines: one JSON object a line, an event from a fixed list, ids and facts, never a name.

``log("file.checked", file=…)`` is the whole interface. What may be written is decided here: an event that is
not in ``EVENTS`` is refused, so that a reader of the log can know every word in it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import structlog

EVENTS: Final = frozenset(
    {
        "request.failed",
        "sign_in.succeeded",
        "sign_in.refused",
        "sign_in.ended",
        "submission.arrived",
        "submission.moved",
        "submission.handed",
        "submission.withdrawn",
        "check.overridden",
        "message.sent",
        "file.received",
        "file.refused",
        "file.checked",
        "file.infected",
        "file.lost",
        "upload.begun",
        "upload.ended",
        "room.opened",
        "room.degraded",
        "scanner.unreachable",
        "storage.unreachable",
        "sweep.found",
        "original.fetched",
        "original.refused",
        "disposal.done",
        "bulk.started",
        "reassignment.made",
        "bulk.ended",
        "duties.opened",
        "submissions.came_back",
        "task.sent",
        "task.done",
        "task.failed",
        "task.put_off",
        "queue_server.unreachable",
        "database.unreachable",
        "receipt.issued",
        "day.closed",
        "closing.signed",
        "receipt.drawn",
        "heads.signed",
        "head.not_signed",
        "log.broken",
        "seal.missing",
        "seal.expires",
        "seals.published",
        "journal.broken",
        "receipt.voided",
        "batch.started",
        "batch.approved",
        "batch.ended",
        "bundle.made",
        "bundle.downloaded",
        "stamp.refused",
        "worker.started",
        "worker.stopped",
    }
)

_logger = structlog.get_logger("madoguchi")
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=str)  # ``json.dumps`` would make one for each line


def configure(process: str, *, least: int = logging.INFO) -> None:
    """Send JSON lines to stderr, each with the name of this process; those below the level ``least`` are dropped."""
    global _logger  # noqa: PLW0603  (bound once; by itself it would be bound anew for each line)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(least),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    _logger = structlog.get_logger("madoguchi").bind()


def _as_json(line: Mapping[str, Any], **_usual: Any) -> str:
    return _ENCODER.encode(line)


def log(event: str, *, level: str = "info", **facts: Any) -> None:
    """Write one line.

    :param event: a word of ``EVENTS``, ``noun.past_participle``.
    :param facts: ids, counts, states; never a name, a note, an amount or a file name.
    :raises ValueError: for an event that is not listed.
    """
    if event not in EVENTS:
        raise ValueError(f"{event!r} is not a listed event")
    with suppress(OSError):  # a full log disk must not take an answer from anybody
        getattr(_logger, level)(event, **facts)
