"""Who may stand in the door of the page, and for how long: a flood of connections must not take the file descriptors
that the store and the alarm file need, and a request that is sent a byte at a time must not keep a place for ever."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 256  # connections; beyond, they are closed unread. systemd gives a service 1,024 descriptors by default
REQUEST_WITHIN_S = 10.0  # from the first byte, or from the connection, until the request is there with its body


class Door(H11Protocol):
    """uvicorn's protocol with two bounds that it does not have itself."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.abort()
        else:
            self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._answering():
            self._no_longer_expect()
        elif self._late is None and not self.transport.is_closing():
            self._expect()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # from here on uvicorn's own time for the next request runs
        if self._answering():
            self._no_longer_expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_longer_expect()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        """A whole request is here and not answered yet: it may take its time, as an event stream does."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _expect(self) -> None:
        self._late = self.loop.call_later(REQUEST_WITHIN_S, self.transport.abort)

    def _no_longer_expect(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
