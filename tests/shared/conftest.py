"""One database of each kind for all tests that need no commit: each takes back what it wrote."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.session import engine_for

settings.register_profile("office", deadline=None)  # a busy machine is no wrong answer
settings.load_profile("office")


@pytest.fixture(scope="session", params=["postgresql", "sqlite"])
def common_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("common") / "office.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        url = f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("make_postgresql")(request.getfixturevalue("migrated_postgresql"))
    engine = engine_for(url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(common_engine: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints: what it wrote is gone afterwards. Tests that need two use ``engine``."""
    with common_engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        transaction.rollback()
