"""``./madoguchi seal``: a keeper makes, shows and retires the seals of an office."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

from config.settings import Settings
from shared.model import SealCertificate
from shared.session import sessions
from tests.config.test_madoguchi import OFFICE, Keeper, bare
from tests.readers import run
from uploads.signing import Seals


@pytest.fixture
def keeper(settings: Settings) -> Keeper:
    chosen = {
        "MADOGUCHI_DATABASE_URL": settings.database_url,
        "MADOGUCHI_REDIS_URL": settings.redis_url,
        "MADOGUCHI_STORAGE_URL": settings.storage_url,
        "MADOGUCHI_INCOMING": str(settings.incoming),
        "MADOGUCHI_SECRET_KEY": settings.secret_key,
        "MADOGUCHI_SEALS": str(settings.incoming.parent / "own"),
    }
    return Keeper({**bare(), **chosen}, settings.incoming.parent)


def test_a_seal_is_made_shown_published_and_retired(keeper: Keeper, engine: Engine) -> None:
    assert "no office has the code KK" in keeper.says("seal", "new", "KK").stderr
    assert keeper.says(*OFFICE).returncode == 0
    name, state, *_ = keeper.says("seal", "new", "KK").stdout.split()
    assert state == "file"
    newer, *_ = keeper.says("seal", "new", "KK").stdout.split()
    (keeper.here / "chain.pem").write_text(keeper.says("seal", "show", "KK").stdout)
    assert "CN = \u67b6\u7a7a\u5e02\u798f\u7949\u4e8b\u52d9\u6240\u9577" in run(
        *("openssl", "x509", "-in", str(keeper.here / "chain.pem"), "-noout", "-subject", "-nameopt", "utf8,space_eq")
    )
    assert keeper.says("seal", "retire", "KK", name).stdout.split()[:2] == [name, "retired"]
    listed = [line.split()[1:3] for line in keeper.says("seal", "list").stdout.splitlines()]
    assert sorted(listed) == sorted([[name, "retired"], [newer, "file"]])
    with sessions(engine)() as session:
        rows = session.scalars(select(SealCertificate)).all()
        assert sorted(row.retired_at is None for row in rows) == [False, True]
    assert "has no seal" in keeper.says("seal", "retire", "KK", "another").stderr


def test_an_office_brings_its_own_and_what_does_not_fit_is_refused(keeper: Keeper) -> None:
    assert keeper.says(*OFFICE).returncode == 0
    theirs = Seals(keeper.here / "theirs")
    one, other = theirs.make("KK", "title"), theirs.make("KK", "title")
    both = ("--key", str(one.folder / "key.pem"), "--certificate")
    assert (
        "not that of the key" in keeper.says("seal", "new", "KK", *both, str(other.folder / "certificate.pem")).stderr
    )
    assert one.name in keeper.says("seal", "new", "KK", *both, str(one.folder / "certificate.pem")).stdout
    assert keeper.says("seal", "new", "KK", "--key", str(one.folder / "key.pem")).returncode == 2
    del keeper.environ["MADOGUCHI_SEALS"]
    assert "MADOGUCHI_SEALS is not set" in keeper.says("seal", "list").stderr
