"""`ibkr-bridge kill` and `resume`: the kill switch of a running service, from the shell."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Annotated, Any

import typer

from ibkr_bridge.cli.options import DEFAULT_ENV_FILE, EnvFile, fail, settings_from
from ibkr_bridge.config.settings import ApiSettings

_TIMEOUT = 60.0
_RUNTIME_ERROR = 1
Url = Annotated[str | None, typer.Option(help="Where the service is [IBKR_SERVICE_HOST and IBKR_SERVICE_PORT].")]


def kill(
    env_file: EnvFile = DEFAULT_ENV_FILE,
    url: Url = None,
    *,
    cancel: Annotated[bool, typer.Option(help="Cancel every working order of the service.")] = True,
    flatten: Annotated[bool, typer.Option("--flatten", help="Also bring every position to zero.")] = False,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="Also cancel orders that were placed elsewhere, by hand or by programs.")
    ] = False,
    reduce: Annotated[bool, typer.Option("--reduce", help="Only stop what would make a position larger.")] = False,
) -> None:
    """Stop trading at once: no new orders, and every working one cancelled.

    \b
      ibkr-bridge kill               stop, and cancel what works
      ibkr-bridge kill --flatten     and close every position
      ibkr-bridge kill --foreign     and cancel also what others have placed
      ibkr-bridge resume             trade again
    """
    body = {"mode": "reduce"} if reduce else {"mode": "halt", "cancel": cancel, "flatten": flatten, "foreign": foreign}
    report = _ask(env_file, url, "/admin/halt", body)
    typer.echo(f"trading is {report['state']}; {len(report['cancelled'])} orders cancelled")
    for order_id in report["flattening"]:
        typer.echo(f"flattening: order {order_id}")
    left = [*report["remaining"], *report["not_flattened"]]
    for failure in left:
        typer.echo(f"ibkr-bridge: not stopped: {failure['what']}: {failure['reason']}", err=True)
    if left:
        raise typer.Exit(_RUNTIME_ERROR)


def resume(env_file: EnvFile = DEFAULT_ENV_FILE, url: Url = None) -> None:
    """Trade again after a kill."""
    typer.echo(f"trading is {_ask(env_file, url, '/admin/resume', {})['state']}")


def _ask(env_file: Any, url: str | None, path: str, body: dict[str, Any]) -> dict[str, Any]:
    api = settings_from(env_file).settings.api
    target = f"{url or _address(api)}{path}"
    if not target.startswith(("http://", "https://")):
        fail([f"{target}: write the address like http://127.0.0.1:8000"])
    request = urllib.request.Request(target, json.dumps(body).encode(), method="POST")  # noqa: S310  checked above
    request.add_header("Content-Type", "application/json")
    if api.required_api_key is not None:
        request.add_header(api.api_key_header, api.required_api_key.get_secret_value())
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_TIMEOUT) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as refused:
        problem = json.load(refused)
        fail([f"{problem.get('detail', refused.reason)} ({problem.get('code', refused.code)})"], _RUNTIME_ERROR)
    except OSError as problem:
        fail([f"no service answers at {request.full_url}: {problem}"], _RUNTIME_ERROR)


def _address(api: ApiSettings) -> str:
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  where a service that listens everywhere is reached
    return f"http://{anywhere.get(api.host, api.host)}:{api.port}"
