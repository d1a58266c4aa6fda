"""A house whose portal may be cut off or killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.failpoints.house import House, sqlite_house


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[House]:
    """A house on its real server, as at the desk, for all tests of a module."""
    house = sqlite_house(tmp_path_factory.mktemp("desk"), migrated_sqlite)
    with house.served():
        yield house
    house.close()
