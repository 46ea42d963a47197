"""A page under test: the server in a thread of its own, and what tests ask of a page again and again."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from gateway.access.access import Access
from gateway.api.server import serve
from tests.api.depot import MemoryGateway


class Running:
    """The server in a thread of its own, so that a test can drive the browser step by step."""

    def __init__(self, gateway: MemoryGateway, port: int = 0, access: Access | None = None):
        self.gateway, self._access = gateway, access
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(port,))
        self._address: Future[str] = Future()
        self._thread.start()
        self.address = self._address.result(30)

    def do(self, act, *arguments, **named):
        """Change the gateway on its own loop."""
        async def acted():
            return act(*arguments, **named)
        return asyncio.run_coroutine_threadsafe(acted(), self._loop).result(30)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(30)

    def _run(self, port: int) -> None:
        self._task = self._loop.create_task(serve(self.gateway, "127.0.0.1", port, ready=self._address.set_result,
                                                  access=self._access))
        self._loop.run_until_complete(asyncio.gather(self._task, return_exceptions=True))
        self._loop.close()


def live(browser, running) -> None:
    browser.open(running.address)
    browser.until("document.body?.className === 'live'")


def row(signal: str) -> str:
    return (f"[...document.querySelectorAll('.signal')].find(row => row.querySelector('.name b').textContent === "
            f"'{signal}')")


def choose(browser, field: str, value: str) -> None:
    browser.run(f"""(() => {{ const field = document.querySelector("{field}"); field.value = "{value}";
        field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input")); }})()""")


def room(browser, running, address: str) -> None:
    """Open one page of the site and wait until it is live."""
    browser.open("about:blank")
    browser.open(f"{running.address}/#{address}")
    browser.until("document.body?.className === 'live'")
