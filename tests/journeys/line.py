"""The line between a phone and the office: how fast it is, and whether it is there."""

from __future__ import annotations

from playwright.sync_api import Page

SLOW = 1_500_000


class Line:
    """Speeds in bytes a second; -1 is as fast as the machine."""

    def __init__(self, page: Page) -> None:
        self._tools = page.context.new_cdp_session(page)
        self._tools.send("Network.enable")

    def _is(self, *, offline: bool = False, speed: int = -1) -> None:
        facts = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": speed}
        self._tools.send("Network.emulateNetworkConditions", facts)

    def slow(self, speed: int = SLOW) -> None:
        """The edge of the network."""
        self._is(speed=speed)

    def cut(self) -> None:
        """A tunnel: what is under way breaks off, and the phone knows it."""
        self._is(offline=True)

    def back(self) -> None:
        """Out of the tunnel."""
        self._is()
