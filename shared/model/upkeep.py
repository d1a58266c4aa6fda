"""What the house says about itself: which workers live and how well they are locked, what the last sweep found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from shared.model.base import Base


class WorkerSighting(Base):
    """One worker process, as it last said of itself. Of the whole installation, not of one office."""

    __tablename__ = "worker_sighting"
    worker: Mapped[str] = mapped_column(primary_key=True)  # host and process id
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    room: Mapped[dict[str, Any]]  # layer of the locked room: what it got
    scanner: Mapped[str]  # off, ok, unreachable


class SweepRun(Base):
    """What one sweep found, by kind. Of the whole installation."""

    __tablename__ = "sweep_run"
    at: Mapped[datetime] = mapped_column(primary_key=True)
    found: Mapped[dict[str, Any]]  # kind of finding: how many
    mended: Mapped[int]
