"""Writes docs/reference and docs/mirror.md from the code; with --check it names what is out of date or leads nowhere.

python docs/generate.py
python docs/generate.py --check
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from ibkr_bridge.api.app import create_app
from ibkr_bridge.api.errors import PLAIN, STATUS
from ibkr_bridge.api.mirror.entry import Deed, Entry
from ibkr_bridge.api.mirror.routes import PREFIX
from ibkr_bridge.api.mirror.streams.listener import ELSEWHERE, TOPICS
from ibkr_bridge.api.mirror.table import chapters
from ibkr_bridge.cli.main import main as bridge_command
from ibkr_bridge.config.describe import text
from ibkr_bridge.config.names import NOT_USED_YET, Variable, variables
from ibkr_bridge.config.settings import ApiSettings, Settings
from ibkr_bridge.domain import errors
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.guards.chain import GUARDS
from ibkr_bridge.hub.closing import CloseCode
from ibkr_bridge.hub.hub import Hub
from ibkr_bridge.upstream.tws.codes import TABLE, Effect
from ibkr_sim.cli.main import main as simulator_command

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs/reference"
MIRROR = ROOT / "docs/mirror.md"
BRIDGE = ROOT / "bridge/src/ibkr_bridge"
SIMULATOR = ROOT / "sim/src/ibkr_sim"
TROUBLESHOOTING = ROOT / "docs/how-to/troubleshooting.md"
DEPENDENCIES = ROOT / "docs/explanation/dependencies.md"
GENERATED = "<!-- Generated from the code by `python3 dev.py docs`. Do not edit. -->\n"
COMMON = frozenset({"400", "401", "403", "408", "413", "415", "421", "500"})
"""Statuses that say the same of every operation."""
API_HEAD = """\
The same as a file for tools: [openapi.json](openapi.json). The sockets: [websockets.md](websockets.md).

Every operation can also answer 400, 403 and 421 (Host or Origin refused), 401 (key missing or wrong, where one is
required) and 500; those with a body also 408, 413 and 415. The codes behind a status: [errors.md](errors.md).
"""
SETTINGS_HEAD = """\
A setting is a variable of the environment or a line of `.env`. The command line wins over the environment, the
environment over `.env`. Where several names set one thing, the first that is set wins.
`ibkr-bridge default-config > .env` writes this list as a file; `ibkr-bridge check-config` shows what is in force
and where it came from.
"""
ERRORS_HEAD = """\
Every refusal is a problem (RFC 9457) with `type`, `title`, `status`, `detail`, `code`, `advice`, `retryable` and
`instance`. Programs read `code`; it does not change. What to do for each code stands in
[troubleshooting](../how-to/troubleshooting.md).
"""
CODES_HEAD = """\
How the TWS door reads IBKR's messages. Texts are shown but never read: gateways translate them. A code from 2100 to
2199 that is not listed is a `note`; any other that is not listed is taken for `refused`.
"""
MIRROR_HEAD = f"""\
Programs written for IBKR's own Web API may point at this service instead: every path below is served as it stands and
under `{PREFIX}`, at `http://127.0.0.1:8000{PREFIX}` by default. Session, pacing, warm-up and deadlines are the
service's; the status and the `error` of an answer are IBKR's, with the members of our [problems](reference/errors.md)
beside them. What stands here nowhere is answered 404 in the same form.

- **passed through:** IBKR's answer, byte for byte, without accounts that the service is not pinned to. Identical
  questions in flight are one call at IBKR. A GET may be repeated, nothing else is.
- **answered here:** from the engine, in IBKR's shape.
- **refused:** 501 with the reason.

The last column says what happens at TWS or IB Gateway, where there is no Web API to pass a call to: answered from the
engine in IBKR's shape, or 501.

One session serves every caller, so what would change it for others is each caller's own: the selected account,
suppressed questions, a logout, the question that waits for an answer. A caller is known by the cookie that the first
`/tickle`, `/iserver/auth/status` or `/iserver/accounts` sets; without it, by the address it calls from. Each caller
has four calls at IBKR at a time; who asks for more waits behind itself.

Orders pass the same guards, journal and policy for IBKR's questions as `POST /orders`. `cOID` is the client order id.
Fields that the service cannot carry (groups without a `parentId`, trailing and algorithmic orders, `cashQty`) are
refused with 501, never left out.
"""
MIRROR_SOCKET = f"""\
`{PREFIX}/ws`, and `/ws`: IBKR's grammar (`smd+265598+{{"fields":["31","84"]}}`), greeting (`system`, `act`, `sts`) and
heartbeat (every 10 s), at both doors. No cookie and no session is asked for; where a key is set, it is. One socket at
IBKR serves all of ours, and what a topic needs is counted: a contract is one line, however many sockets listen.

Topics never end by themselves. When the session is lost, `sts` says so, and again when it is back; nothing has to be
asked for anew. Who reads slowly is told the last price alone, and is closed with 4000 when a message is not accepted.
"""
TWS_DOOR: Mapping[Deed, Mapping[bool, str]] = {
    Deed.PASSED: {True: "from the engine", False: "501"},
    Deed.ANSWERED: {True: "the same", False: "501"},
    Deed.REFUSED: {False: "501"},
}
EFFECTS: Mapping[Effect, str] = {
    Effect.LINK_LOST: "The session becomes `degraded`; orders answer 503, reads are marked stale.",
    Effect.LINK_RESTORED: "The session is `ready` again.",
    Effect.LINK_RESTORED_EMPTY: "Everything is subscribed anew, then the session is `ready` again.",
    Effect.SOCKET_MOVED: "Written to the log; the connection ends by itself and is opened again.",
    Effect.CLIENT_ID_USED: "The connection is refused with `session.client_id_used`.",
    Effect.FARM: "Written to the log at debug level.",
    Effect.FARM_DOWN: "Every quote is marked stale until its next tick.",
    Effect.FARM_UP: "Quotes that were marked stale for this farm are fresh again.",
    Effect.NOTE: "An order lives on; the text is passed on as `orderMessage`.",
    Effect.REFUSED: "What was last asked is refused; a new order is looked for at the broker before it is believed.",
    Effect.CANCEL_REFUSED: "A cancel is refused; the broker is asked how the order stands.",
    Effect.ALREADY_GONE: "A question that waits under this id fails; an order or a quote is left as it is.",
}
"""What the service does on a message of each kind."""


def page(title: str, *parts: str) -> str:
    return "\n".join([GENERATED, f"# {title}\n", *parts]).rstrip() + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def code(content: str, language: str = "") -> str:
    return f"```{language}\n{content.rstrip()}\n```\n"


# --- api.md and openapi.json


def openapi() -> dict[str, Any]:
    app = create_app(cast(Engine, None), cast(Hub, None), ApiSettings())
    return app.openapi()


def api() -> str:
    schema = openapi()
    parts = [str(schema["info"]["description"])]
    parts += [API_HEAD]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts += _operation(schema, f"{method.upper()} {path}", operation)
    return page("REST API", *parts)


def _operation(schema: Mapping[str, Any], name: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {name}\n"
    yield f"**{operation['summary']}.** {operation['description']}\n".replace("?.**", "?**")
    if parameters := operation.get("parameters"):
        yield table(("Parameter", "In", "Needed", "Meaning"), map(_parameter, parameters))
    if body := operation.get("requestBody"):
        yield from _body(schema, body["content"]["application/json"])
    yield table(
        ("Status", "Meaning"),
        ((status, answer["description"]) for status, answer in _answers(operation) if status not in COMMON),
    )
    for status, answer in _answers(operation):
        example = answer.get("content", {}).get("application/json", {}).get("example")
        if example is not None:
            yield f"Answer {status}:\n"
            yield code(json.dumps(example, indent=2), "json")
            return


def _answers(operation: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(operation["responses"].items())


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, str, str]:
    needed = "yes" if parameter.get("required") else "no"
    return f"`{parameter['name']}`", parameter["in"], needed, parameter.get("description", "")


def _body(schema: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[str]:
    model = schema["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    required = model.get("required", ())
    yield table(
        ("Field", "Type", "Needed", "Meaning"),
        (
            (f"`{name}`", _type(schema, field), "yes" if name in required else "no", _meaning(field))
            for name, field in model["properties"].items()
        ),
    )
    for example in content.get("examples", {}).values():
        yield f"{example['summary']}:\n"
        yield code(json.dumps(example["value"]), "json")


def _meaning(field: Mapping[str, Any]) -> str:
    options = (field, *field.get("anyOf", ()))
    return next((str(option["description"]) for option in options if "description" in option), "")


def _type(schema: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return _type(schema, schema["components"]["schemas"][name]) if name != "ContractBody" else "object"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    options = [option for option in field.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(_type(schema, option) for option in options))
    return str(field.get("type", "any"))


# --- settings.md


def settings() -> str:
    parts = [SETTINGS_HEAD]
    for section, holder in Settings.model_fields.items():
        found = [variable for variable in variables() if variable.section == section]
        parts += [f"## {section}\n", f"{getattr(holder.annotation, '__doc__', '')}\n", _settings_table(found)]
    parts += ["## Accepted without effect\n", "Known from other programs; set in vain, and said so at the start.\n"]
    parts += [table(("Name", "Why"), ((f"`{name}`", f"{why}.") for name, why in NOT_USED_YET.items()))]
    return page("Settings", *parts)


def _settings_table(found: Iterable[Variable]) -> str:
    rows = (
        ("<br>".join(f"`{name}`" for name in variable.names), _default(variable), variable.description)
        for variable in found
    )
    return table(("Name", "Default", "Meaning"), rows)


def _default(variable: Variable) -> str:
    return f"`{text(variable.default)}`" if text(variable.default) else "not set"


# --- errors.md


def error_classes(root: type[errors.BridgeError] = errors.BridgeError) -> Iterator[type[errors.BridgeError]]:
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


def error_rows() -> Iterator[tuple[str, int, str, bool]]:
    """(code, status, title, retryable) of every error of the domain that has a code of its own."""
    for found in error_classes():
        status = STATUS[found]
        if found is errors.GuardDenied:
            for guard in GUARDS:
                yield f"guard.{guard.__name__}", status, found.title, found.retryable
        elif "code" in vars(found):
            yield found.code, status, found.title, found.retryable


def door_rows() -> list[tuple[str, int]]:
    """(code, status) of what the API refuses by itself."""
    calls = (call for path in sorted((BRIDGE / "api").rglob("*.py")) for call in _calls(path, "problem"))
    found = {(code, status) for status, code, *_ in calls if isinstance(status, int) and isinstance(code, str)}
    return sorted(found | {(code, status) for status, (code, _advice) in PLAIN.items()})


def socket_codes() -> list[str]:
    return sorted(str(code) for code, *_ in _calls(BRIDGE / "api/ws/refusals.py", "SocketRefusal"))


def session_codes() -> list[str]:
    """As GET /health shows them in `ibkr.code`."""
    tree = ast.parse((BRIDGE / "upstream/tws/session.py").read_text())
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return sorted({found for found in texts if re.fullmatch(r"session\.[a-z_]+", found)})


def _calls(path: Path, name: str) -> Iterator[tuple[object, object]]:
    """The first two arguments of every call of `name` in the file, None where one is no constant."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            first, second, *_ = [*(getattr(argument, "value", None) for argument in node.args), None, None]
            yield first, second


def all_codes() -> list[str]:
    return [*(row[0] for row in error_rows()), *(row[0] for row in door_rows()), *socket_codes(), *session_codes()]


def error_page() -> str:
    tree = (errors.__doc__ or "").partition("BridgeError\n")[2].rpartition("\n\n`retryable`")[0]
    rows = ((f"`{name}`", status, title, "yes" if again else "no") for name, status, title, again in error_rows())
    own = ((f"`{name}`", status) for name, status in door_rows())
    closing = ((int(member), member.name.lower(), "yes" if member < 4500 else "no") for member in CloseCode)
    return page(
        "Errors",
        ERRORS_HEAD,
        "## From the service\n",
        table(("Code", "Status", "Title", "Retryable"), rows),
        "## From the door of the API\n",
        table(("Code", "Status"), own),
        "## On the WebSockets\n",
        "Told as a message of type `error`; the socket stays open. Any code of the first table can come as well.\n",
        table(("Code",), ((f"`{name}`",) for name in socket_codes())),
        "Close codes; below 4500 a new connection is welcome.\n",
        table(("Code", "Name", "Connect again"), closing),
        "## Of the session\n",
        "`ibkr.code` in GET /health, and `code` in `connectionChanged`; `world.mismatch` can stand there too.\n",
        table(("Code",), ((f"`{name}`",) for name in session_codes())),
        "## The tree\n",
        code(f"BridgeError\n{tree}"),
    )


# --- tws-codes.md and cli.md


def tws_codes() -> str:
    rows = ((row.number, f"`{row.effect}`", row.meaning, row.source) for _, row in sorted(TABLE.items()))
    return page(
        "IBKR's message codes",
        CODES_HEAD,
        table(("Effect", "What the service does"), ((f"`{effect}`", EFFECTS[effect]) for effect in Effect)),
        table(("Code", "Effect", "Meaning", "Known from"), rows),
    )


def cli() -> str:
    bridge, simulator = ("serve", "demo", "check-config", "default-config", "version"), (*simulator_command.commands,)
    parts = ["In a checkout the commands are in `.venv/bin` (`.venv\\Scripts` on Windows).\n"]
    for name, command, subcommands in (
        ("ibkr-bridge", bridge_command, bridge),
        ("ibkr-sim", simulator_command, simulator),
    ):
        for words in ((), *((subcommand,) for subcommand in subcommands)):
            parts += [f"## {' '.join((name, *words))}\n", code(_help(command, name, *words), "text")]
    return page("Command line", *parts)


def _help(command: Callable[[], None], name: str, *words: str) -> str:
    before, told = sys.argv, io.StringIO()
    sys.argv = [name, *words, "--help"]
    try:
        with redirect_stdout(told), suppress(SystemExit):
            command()
    finally:
        sys.argv = before
    return "\n".join(line.rstrip() for line in told.getvalue().splitlines())


# --- mirror.md


def mirror() -> str:
    parts = [MIRROR_HEAD]
    for title, entries in chapters().items():
        head = ("Method", "Path", "What becomes of it", "", "At TWS")
        parts += [f"## {title}\n", table(head, map(_mirrored, entries))]
    topics = [(f"`{name}`", what) for name, what in TOPICS.items()]
    topics += [(f"`{name}`", f"Not served. {advice}") for name, advice in ELSEWHERE.items()]
    parts += ["## WebSocket\n", MIRROR_SOCKET, table(("Topic", "What is told"), topics)]
    return page("IBKR's own paths", *parts)


def _mirrored(entry: Entry) -> tuple[str, ...]:
    methods = ", ".join(entry.methods.split())
    return methods, f"`{entry.path}`", entry.deed, entry.note, TWS_DOOR[entry.deed][entry.tws]


# --- writing and checking


# --- simulator-coverage.md


def simulator_coverage() -> str:
    beside = import_module("simulator_coverage")  # of this folder, from which this program is run
    return page("What third-party clients have seen of the simulator's TWS door", *beside.parts(table))


def pages() -> dict[Path, str]:
    os.environ["COLUMNS"] = "100"  # the help texts must not depend on somebody's terminal
    made = {
        "api.md": api(),
        "settings.md": settings(),
        "errors.md": error_page(),
        "tws-codes.md": tws_codes(),
        "cli.md": cli(),
        "simulator-coverage.md": simulator_coverage(),
        "openapi.json": json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n",
    }
    return {MIRROR: mirror(), **{REFERENCE / name: content for name, content in made.items()}}


def documents() -> list[Path]:
    rooms = (
        ROOT.glob("*.md"),
        (ROOT / "docs").rglob("*.md"),
        (ROOT / "bridge").glob("*.md"),
        (ROOT / "sim").glob("*.md"),
    )
    return sorted(path for room in rooms for path in room)


def complaints() -> Iterator[str]:
    for path, content in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            yield f"{_name(path)}: differs from the code; run `python3 dev.py docs`"
    for path in documents():
        prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        yield from (f"{_name(path)}: {target} leads nowhere" for target in _dead_links(path, prose))
        yield from (f"{_name(path)}: there is no {name}" for name in _missing_files(prose))
    yield from (f"{_name(DEPENDENCIES)}: says nothing of {name}" for name in _unexplained_dependencies())
    told = TROUBLESHOOTING.read_text(encoding="utf-8")
    yield from (f"{_name(TROUBLESHOOTING)}: says nothing of {name}" for name in all_codes() if f"`{name}`" not in told)


def _unexplained_dependencies() -> Iterator[str]:
    told = DEPENDENCIES.read_text(encoding="utf-8")
    for path in sorted((ROOT / "requirements").glob("*.in")):
        names = re.findall(r"^[a-zA-Z][\w-]*", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        yield from (name for name in names if f"| {name} |" not in told)


def _dead_links(path: Path, prose: str) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        place, _, heading = target.partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        found = (path.parent / place) if place else path
        if not found.exists() or (heading and heading not in _headings(found)):
            yield target


def _headings(path: Path) -> set[str]:
    """As GitHub names them in links."""
    lines = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def _missing_files(prose: str) -> Iterator[str]:
    """Files that the prose names in backticks, from the checkout or from one of the two packages."""
    for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|md|toml|svg))`", prose):
        if not any((room / name).exists() for room in (ROOT, BRIDGE, SIMULATOR)):
            yield name


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/reference and docs/mirror.md from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where documents are out of date")
    if parser.parse_args().check:
        found = list(complaints())
        sys.stderr.writelines(f"{line}\n" for line in found)
        return 1 if found else 0
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
