"""The WebSocket routes."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket

from ibkr_bridge.api.state import state_of
from ibkr_bridge.api.ws.connection import Connection
from ibkr_bridge.api.ws.ib import IbEvents
from ibkr_bridge.api.ws.stream import streaming

router = APIRouter()


@router.websocket("/ws/stream")
async def stream(socket: WebSocket) -> None:
    state = state_of(socket)
    settings = state.settings
    with state.hub.subscriber(limit=settings.ws_queue, flush_window=settings.ws_flush_window) as mailbox:
        await socket.accept()
        async with streaming(state.engine, mailbox, settings) as listener:
            await Connection(socket, mailbox, settings.ws_send_timeout).run(listener.hear)


@router.websocket("/ws/ib")
async def ib(socket: WebSocket) -> None:
    state = state_of(socket)
    settings = state.settings
    with state.hub.subscriber(limit=settings.ws_queue, flush_window=settings.ws_flush_window) as mailbox:
        listener = IbEvents(state.engine, mailbox, settings)
        await socket.accept()
        listener.begin()
        await Connection(socket, mailbox, settings.ws_send_timeout).run(listener.hear)
