"""The WebSocket routes."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket

from ibkr_bridge.api.state import state_of
from ibkr_bridge.api.ws.connection import Connection
from ibkr_bridge.api.ws.ib import IbEvents
from ibkr_bridge.api.ws.stream import Stream

router = APIRouter()


@router.websocket("/ws/stream")
async def stream(socket: WebSocket) -> None:
    state = state_of(socket)
    settings = state.settings
    with state.hub.subscriber(limit=settings.ws_queue, flush_window=settings.ws_flush_window) as mailbox:
        listener = Stream(state.engine, mailbox, settings)
        await socket.accept()
        try:
            await Connection(socket, mailbox, settings.ws_send_timeout).run(listener.hear)
        finally:
            await listener.close()


@router.websocket("/ws/ib")
async def ib(socket: WebSocket) -> None:
    state = state_of(socket)
    settings = state.settings
    with state.hub.subscriber(limit=settings.ws_queue, flush_window=settings.ws_flush_window) as mailbox:
        listener = IbEvents(state.engine, mailbox, settings)
        await socket.accept()
        listener.begin()
        await Connection(socket, mailbox, settings.ws_send_timeout).run(listener.hear)
