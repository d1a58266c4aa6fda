"""``make bench-uploads``: what an upload costs from the phone's last byte to the safe copy, beside bare limits."""

from __future__ import annotations

import logging

from config.log import configure
from tests.bench import arriving, room
from tests.bench.figures import show

if __name__ == "__main__":
    configure("bench", least=logging.ERROR)  # the table is what one wants to read
    show("uploads", [*arriving.figures(), *room.figures()])
