"""The house's rules, held by machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("bridge/src", "sim/src")
LONGEST_FILE = 600
LONGEST_FUNCTION = 60


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_no_import_runs_upward_and_the_simulator_shares_no_line_with_the_service() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_and_no_function_has_outgrown_its_room() -> None:
    too_long = []
    for path in sources(*SOURCES, "bench", "tests", "bridge/tests", "sim/tests"):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > LONGEST_FILE:
            too_long.append(f"{path}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    too_long.append(f"{path}:{node.lineno} {node.name}: {length} lines")
    assert not too_long


def test_every_module_says_its_duty_first() -> None:
    silent = [
        path for path in sources(*SOURCES) if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_no_name_says_that_nobody_knew_where_a_thing_belongs() -> None:
    vague = {"utils", "util", "helpers", "common", "manager", "misc"}
    assert not [path for path in sources(*SOURCES) if vague & {*path.parts, path.stem}]


def test_locks_name_no_host() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"https?://", path.read_text()), path


def test_importing_the_service_reads_nothing_and_starts_nothing() -> None:
    program = """
import sys, socket, threading, os
def refuse(*_): raise SystemExit("an import opened a socket")
socket.socket.connect = refuse
before = threading.active_count()
os.environ = {k: v for k, v in os.environ.items()}
import ibkr_bridge.runtime.service, ibkr_bridge.runtime.demo, ibkr_bridge.cli.main, ibkr_sim.server
assert threading.active_count() == before
assert "pandas" not in sys.modules, "the calendars are loaded before anybody asked"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
