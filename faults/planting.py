"""What planted bugs are made with: parts of a house, exchanged or put between others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ibkr_bridge.ports.upstream import BrokerState, UpstreamEvent
from ibkr_bridge.runtime.compose import House

Bug = Callable[[House], None]


def upstream(house: House) -> Any:
    return house.machine._upstream


def put(target: object, name: str, value: object) -> None:
    setattr(target, name, value)


class Replaced:
    """Another object with some of its methods exchanged, for one holder only."""

    def __init__(self, real: object, **methods: object) -> None:
        self._real = real
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def state(house: House, change: Callable[[BrokerState], BrokerState]) -> None:
    """What looks at the broker show."""
    door = upstream(house)
    ask = door.broker_state

    async def changed() -> BrokerState:
        return change(await ask())

    put(door, "broker_state", changed)


def drop(house: House, deaf: Callable[[UpstreamEvent], bool]) -> None:
    """Events that nobody hears."""
    hear = house.machine.hear

    def some(event: UpstreamEvent) -> None:
        if not deaf(event):
            hear(event)

    put(house.machine, "hear", some)


def rehear(house: House, kind: type, heard: Callable[..., None]) -> None:
    house.machine._hear[kind] = heard
