"""``python -m uploads work``: the worker of an office."""

from __future__ import annotations

import argparse
import sys

from config.log import configure
from config.settings import MissingSetting, Settings
from uploads.worker import work


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m uploads", description=__doc__)
    parser.add_argument("verb", choices=["work"], help="work: send what is owed to the queue, and do it")
    parser.parse_args(arguments)
    configure("worker")
    try:
        settings = Settings.from_environ()
    except MissingSetting as missing:
        print(missing, file=sys.stderr)
        return 2
    work(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
