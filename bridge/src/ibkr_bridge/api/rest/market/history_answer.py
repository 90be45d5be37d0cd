"""An answer that is told as its bars come: cut off where it cannot be whole, ended at IBKR when its reader goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ibkr_bridge.api import errors
from ibkr_bridge.api.columns.writer import Facts, Writer
from ibkr_bridge.api.contracts import contract_answer
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.engine.history.history import Download, Part, Progress

_SILENCE: Final = 10.0
"""Seconds after which a reader of lines is told that the fetch goes on."""
_PATIENCE: Final = 60.0
"""Seconds that a reader may take for one part."""


class HistoryAnswer(Response):
    """Raises BridgeError for what goes wrong before the first byte."""

    def __init__(self, download: Download, writer: Writer) -> None:
        super().__init__(media_type=writer.media_type)
        self._download = download
        self._writer = writer
        self._count = 0
        self._headed = False
        self._begun = False
        """Whether the answer has a status by now."""
        self._held: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        telling = asyncio.create_task(self._tell(scope["path"], send), name="telling history")
        leaving = asyncio.create_task(_until_gone(receive), name="the reader of history")
        try:
            await asyncio.wait((telling, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not telling.done():
                telling.cancel()
            await asyncio.gather(telling, leaving, return_exceptions=True)
        if not telling.cancelled():
            telling.result()

    async def _tell(self, path: str, send: Send) -> None:
        try:
            async with asyncio.timeout(None) as patience:
                await self._steps(send, patience)
        except TimeoutError:
            return  # the reader reads no more; an answer that is not ended is seen to be torn
        except BridgeError as error:
            if not self._begun:
                raise
            await self._fail({**errors.of(error), "instance": path}, send, asyncio.timeout(_PATIENCE))

    async def _steps(self, send: Send, patience: asyncio.Timeout) -> None:
        """Until there is something to say the answer has no status, and may still become a refusal."""
        async with aclosing(_with_signs_of_life(self._download)) as steps:
            async for step in steps:
                chunk = self._chunk(step)
                if not self._writer.streams:
                    self._held.append(chunk)
                elif chunk:
                    await self._send(chunk, send, patience)
        tail = {"count": self._count, "complete": self._download.complete, "as_of": self._download.as_of}
        body = b"".join((*self._held, self._beginning(), self._writer.end(tail)))
        await self._send(body, send, patience, more=False)

    def _chunk(self, step: Part | Facts) -> bytes:
        if isinstance(step, Part):
            self._count += len(step.bars)
            return self._beginning() + self._writer.bars(step.bars) if step.bars else b""
        told = self._writer.progress(step)
        return self._beginning() + told if told else b""

    def _beginning(self) -> bytes:
        """Once."""
        headed, self._headed = self._headed, True
        return b"" if headed else self._writer.begin(_head(self._download))

    async def _fail(self, problem: Facts, send: Send, patience: asyncio.Timeout) -> None:
        """Without a last word the transfer is left unfinished: a file that is short must not look whole."""
        last = self._writer.failed(problem)
        if last:
            async with patience:
                await self._send(last, send, patience, more=False)

    async def _send(self, body: bytes, send: Send, patience: asyncio.Timeout, *, more: bool = True) -> None:
        patience.reschedule(asyncio.get_running_loop().time() + _PATIENCE)
        if not self._begun:
            self._begun = True
            if more:
                del self.headers["Content-Length"]
            else:
                self.headers["Content-Length"] = str(len(body))
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body, "more_body": more})
        patience.reschedule(None)


async def _with_signs_of_life(download: Download) -> AsyncGenerator[Part | Facts, None]:
    """What the download tells, its progress as facts; the last of them again while IBKR takes its time."""
    async with aclosing(download.steps()) as steps:
        told = Progress(0, 0)
        while True:
            following = asyncio.ensure_future(anext(steps, None))
            try:
                while not (await asyncio.wait((following,), timeout=_SILENCE))[0]:
                    yield _progress(told, download.queue)
            finally:
                if not following.done():
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
            step = following.result()
            if step is None:
                return
            if isinstance(step, Progress):
                told = step
                yield _progress(step, 0.0)
            else:
                yield step


def _progress(told: Progress, queue: float | None) -> Facts:
    waiting = None if queue is None else round(queue)
    return {"pieces": told.pieces, "percent": told.percent, "waiting_seconds": waiting}


def _head(download: Download) -> Facts:
    span = download.span
    return {
        "contract": contract_answer(download.contract),
        "bar": download.bar.name,
        "what": download.what,
        "rth": download.rth,
        "start": span.start if span else None,
        "end": span.end if span else download.wish.end,
        "duration": None if download.duration is None else str(download.duration),
    }


async def _until_gone(receive: Receive) -> None:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    if (await receive())["type"] != "http.disconnect":
        await asyncio.Future()  # a server that tells the request again tells nothing of its reader
