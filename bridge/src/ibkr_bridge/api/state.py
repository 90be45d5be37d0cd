"""What the routes work with, handed in by `create_app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from ibkr_bridge.config.settings import ApiSettings
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.hub.hub import Hub


@dataclass(frozen=True, slots=True)
class State:
    engine: Engine
    hub: Hub
    settings: ApiSettings
    version: str


def state_of(connection: HTTPConnection) -> State:
    state = connection.app.state.bridge
    assert isinstance(state, State)
    return state


async def _engine(request: Request) -> Engine:
    return state_of(request).engine


async def _version(request: Request) -> str:
    return state_of(request).version


TheEngine = Annotated[Engine, Depends(_engine)]
Version = Annotated[str, Depends(_version)]
