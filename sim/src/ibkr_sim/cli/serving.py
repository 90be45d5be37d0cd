"""Runs a simulator as a process: ready lines, signals, a parent that may die."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from types import FrameType
from typing import Final

from ibkr_sim.cli.options import Start
from ibkr_sim.cli.parent import ParentPipe
from ibkr_sim.cli.worlds import added_contracts, ordered_faults, recorded
from ibkr_sim.exchange.settings import AccountSettings, ExchangeSettings, advisor_account, default_accounts
from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.faults.trigger import InvalidFault
from ibkr_sim.keeping.file import StateUnreadable
from ibkr_sim.listening import NotOpened
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import Entitlement, TwsSettings
from ibkr_sim.webapi.settings import Entitlement as WebApiEntitlement
from ibkr_sim.webapi.settings import WebApiSettings

_NONCE_PATIENCE: Final = 10.0
"""Seconds for the parent to send the nonce."""


def run(start: Start) -> int:
    """The process's exit code: 0 after a signal or the parent's end, 1 for a taken port, 2 for a senseless fault.

    Raises click.BadParameter for a file that cannot be read or makes no sense.
    """
    return asyncio.run(_serve(start, _settings(start)))


async def _serve(start: Start, settings: SimulatorSettings) -> int:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    try:
        nonce = await _listen_to_parent(start, stop)
    except TimeoutError:
        return _fail("no nonce came on standard input")
    try:
        async with Simulator(replace(settings, nonce=nonce), early=True) as simulator:
            _announce(start, simulator)
            await simulator.run_until(stop)
    except InvalidFault as error:
        _fail(str(error))
        return 2
    except (StateUnreadable, NotOpened, ValueError) as error:
        return _fail(str(error))
    except OSError as error:
        if start.state is not None and error.filename is not None:
            return _fail(f"the state cannot be kept in {start.state}: {error.strerror or error}")
        return _fail(f"cannot listen on {start.host}: {error.strerror or error}; {_ways_out(start)}")
    return 0


def _fail(reason: str) -> int:
    sys.stderr.write(f"ibkr-sim: {reason}\n")
    return 1


def _ways_out(start: Start) -> str:
    others = ", --webapi-port (or --no-webapi)" if start.opens_webapi else ""
    return f"--tws-port{others} and --control-port choose other ports"


def _settings(start: Start) -> SimulatorSettings:
    known = {account.id: account for account in default_accounts()}
    names = start.accounts or tuple(known)[: None if start.advisor else 1]
    accounts = tuple(known.get(name) or AccountSettings(name) for name in names)
    return SimulatorSettings(
        exchange=ExchangeSettings(
            seed=start.seed,
            accounts=(*accounts, advisor_account()) if start.advisor else accounts,
            always_open=not start.exchange_hours,
            contracts=added_contracts(start.contracts),
            replay=recorded(start.replay),
            most_working_orders=start.most_working_orders,
        ),
        tws=_tws(start),
        webapi=_webapi(start),
        control_host=start.host,
        control_port=start.control_port,
        speed=start.speed,
        faults=(*ordered_faults(start.faults), *_nightly(start.restart_at)),
        state=start.state,
    )


def _nightly(hour: str | None) -> tuple[FaultOrder, ...]:
    return () if hour is None else (FaultOrder("nightly_restart", f"time:{hour}"),)


def _tws(start: Start) -> TwsSettings:
    settings = TwsSettings(
        host=start.host,
        port=start.tws_port,
        version_cap=start.tws_version,
        entitlement=Entitlement(start.entitlement),
        master_client_id=start.master_client,
        read_only=start.read_only_api,
        fundamentals=start.fundamentals,
        refuses_withdrawn_attributes=start.refuse_withdrawn,
    )
    return replace(settings, pacing=False, most_messages=0) if start.no_pacing else settings


def _webapi(start: Start) -> WebApiSettings | None:
    if not start.opens_webapi:
        return None
    return WebApiSettings(
        host=start.host,
        port=start.webapi_port,
        tls=start.webapi_tls,
        auto_login=start.webapi_login,
        competes_with_tws=start.one_user,
        pacing=not start.no_pacing,
        entitlement=WebApiEntitlement[start.entitlement.upper()],
    )


async def _listen_to_parent(start: Start, stop: asyncio.Event) -> str | None:
    """The nonce, if there is to be one. Raises TimeoutError when it does not come."""
    if not (start.nonce_stdin or start.exit_with_parent):
        return None
    pipe = ParentPipe(stop.set if start.exit_with_parent else None)
    if not start.nonce_stdin:
        return None
    nonce = await pipe.first_line(_NONCE_PATIENCE)
    if not nonce:
        raise TimeoutError("standard input ended first")
    return nonce


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: its loops take no signals, but wake when one arrives

            def handle(_number: int, _frame: FrameType | None) -> None:
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(stop.set)

            signal.signal(number, handle)


def _announce(start: Start, simulator: Simulator) -> None:
    accounts = list(simulator.exchange.accounts)
    if start.ready_json:
        ready: dict[str, object] = {
            "tws_port": simulator.tws_port,
            "control_port": simulator.control_port,
            "accounts": accounts,
            "pid": os.getpid(),
        }
        if simulator.webapi_port is not None:
            ready["webapi_port"] = simulator.webapi_port
        sys.stdout.write(json.dumps(ready) + "\n")
    else:
        sys.stdout.write(
            f"SIMULATOR of Interactive Brokers: no order leaves this machine. Accounts {', '.join(accounts)}.\n"
            f"TWS API clients connect to {start.host}:{simulator.tws_port}; {_webapi_words(simulator)}"
            f"books and clock are at http://{start.host}:{simulator.control_port}/control/ledger.\n"
            "Ctrl-C ends it.\n"
        )
    sys.stdout.flush()


def _webapi_words(simulator: Simulator) -> str:
    return "" if simulator.webapi_url is None else f"Web API clients find {simulator.webapi_url}; "
