#!/usr/bin/env python3
"""One door to everything a developer or a newcomer does here; needs python3 (3.11 or newer) and pip only.

Every tool, cache and environment lands inside this checkout (.tools, .venv, .data).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PACKAGES = ("bridge", "sim")
LEVELS = ("run", "test", "foreign")
WORLDS = "tests/faults"
CHECKED = (
    "dev.py",
    "conftest.py",
    "bridge/src",
    "bridge/tests",
    "sim/src",
    "sim/tests",
    "tests",
    "bench",
    "docs",
    "examples",
    "faults",
)

if sys.version_info < (3, 11):  # noqa: UP036  whoever has an older one should be told in words
    sys.exit(f"ibkr-bridge needs Python 3.11 or newer; this is {sys.version.split()[0]}")


def environment() -> dict[str, str]:
    """The caller's environment, with every cache pointed into the checkout."""
    inside = {
        "UV_CACHE_DIR": str(TOOLS / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_CONFIG": "1",
        "VIRTUAL_ENV": str(VENV),
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",  # a seed of the fault runner replays only if sets keep their order
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")]),
    }
    return {**os.environ, **inside}


def run(*command: str | Path) -> int:
    """Run a command in the checkout and hand on Ctrl-C and termination, so that no child outlives us."""
    child = subprocess.Popen([str(part) for part in command], cwd=ROOT, env=environment())

    def forward(_signal: int, _frame: FrameType | None) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, forward)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the terminal sent it to the child as well: wait until it has tidied up
            continue


def must(*command: str | Path) -> None:
    code = run(*command)
    if code:
        sys.exit(code)


def uv() -> Path:
    """The installer, fetched once into .tools because system pip refuses plain installs on Debian."""
    program = TOOLS / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    if not program.exists():
        print("Installing uv into .tools ...", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]
        quiet = ["--root-user-action", "ignore", "--no-warn-script-location"]
        must(*pip, *quiet, "--target", TOOLS, "--require-hashes", "-r", ROOT / "requirements/uv.txt")
    return program


def fingerprint(level: str) -> str:
    """What an environment of this level is made from; a change of any part rebuilds it."""
    digest = hashlib.sha256(f"{level} {sys.version} {sys.executable} {ROOT}".encode())
    for path in (ROOT / f"requirements/{level}.txt", *(ROOT / name / "pyproject.toml" for name in PACKAGES)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install(level: str) -> None:
    """Bring .venv to at least this level; instant when it already is."""
    stamp = VENV / "installed"
    known = dict(line.split() for line in stamp.read_text().splitlines()) if stamp.exists() else {}
    enough = LEVELS[LEVELS.index(level) :]
    if any(known.get(candidate) == fingerprint(candidate) for candidate in enough):
        return
    level = max([level, *known], key=LEVELS.index)  # what was installed for tests stays installed
    print(f"Installing what '{level}' needs into .venv ...", file=sys.stderr)
    installer = uv()
    if not (BIN / ("python.exe" if os.name == "nt" else "python")).exists():
        must(installer, "venv", "--quiet", "--python", sys.executable, VENV)
    must(installer, "pip", "sync", "--quiet", "--require-hashes", ROOT / f"requirements/{level}.txt")
    editable = [argument for name in PACKAGES for argument in ("-e", str(ROOT / name))]
    must(installer, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", *editable)
    stamp.write_text(f"{level} {fingerprint(level)}\n")


def python(*arguments: str | Path) -> int:
    return run(BIN / "python", *arguments)


def command_run(_options: argparse.Namespace, rest: list[str]) -> int:
    install("run")
    return python("-m", "ibkr_bridge", "demo", *rest)


def command_test(options: argparse.Namespace, rest: list[str]) -> int:
    """Files side by side, for most of a test's time is waiting; then the worlds, which take every core themselves."""
    install("foreign" if options.foreign else "test")
    pytest = ["-m", "pytest", *(["--foreign"] if options.foreign else [])]
    if rest:
        return python(*pytest, *rest)
    workers = str(2 * (os.cpu_count() or 1))
    apart = python(*pytest, "--numprocesses", workers, "--dist", "loadfile", "--ignore", WORLDS)
    return max(apart, python(*pytest, WORLDS))


def command_check(_options: argparse.Namespace, _rest: list[str]) -> int:
    """Every step runs even when an earlier one has failed: one look shows all that is wrong."""
    install("test")
    steps = (
        (BIN / "python", "-m", "ruff", "format", "--check", *CHECKED),
        (BIN / "python", "-m", "ruff", "check", *CHECKED),
        (BIN / "python", "-m", "mypy", *CHECKED),
        (BIN / "lint-imports", "--no-cache"),
        (BIN / "python", "docs/generate.py", "--check"),
    )
    return max([run(*step) for step in steps])


def command_format(_options: argparse.Namespace, _rest: list[str]) -> int:
    install("test")
    return python("-m", "ruff", "format", *CHECKED) | python("-m", "ruff", "check", "--fix", *CHECKED)


def command_docs(_options: argparse.Namespace, _rest: list[str]) -> int:
    install("run")
    return python("docs/generate.py")


def command_bench(_options: argparse.Namespace, rest: list[str]) -> int:
    install("test")
    return python("-m", "bench", *rest)


def command_faults(_options: argparse.Namespace, rest: list[str]) -> int:
    install("test")
    return python("-m", "faults", *rest)


def command_lock(_options: argparse.Namespace, rest: list[str]) -> int:
    installer = uv()
    for name in ("uv", *LEVELS, "nautilus"):
        source, target = ROOT / f"requirements/{name}.in", ROOT / f"requirements/{name}.txt"
        pins = ["--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11"]
        must(installer, "pip", "compile", "--quiet", *pins, source, "-o", target, *rest)
    return 0


def command_clean(_options: argparse.Namespace, _rest: list[str]) -> int:
    for folder in (VENV, TOOLS, ROOT / ".data", ROOT / ".mypy_cache", ROOT / ".ruff_cache", ROOT / ".pytest_cache"):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


COMMANDS = {
    "run": (command_run, "start the simulated IBKR and the service; options go to `ibkr-bridge demo`"),
    "test": (command_test, "run every test; options go to pytest"),
    "check": (command_check, "formatting, lint, strict types, the import contract, generated documents"),
    "bench": (command_bench, "measure, with the baseline beside each figure; prints a table and writes JSON"),
    "faults": (command_faults, "play seeded worlds in which everything goes wrong, and compare the books"),
    "format": (command_format, "put the code into the house's format"),
    "docs": (command_docs, "write the generated reference pages anew"),
    "lock": (command_lock, "resolve requirements/*.in into pinned, hashed requirements/*.txt"),
    "clean": (command_clean, "remove everything that these commands installed"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (_function, sentence) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=sentence, add_help=name not in ("run", "bench", "faults"))
        if name == "test":
            subparser.add_argument("--foreign", action="store_true", help="also IBKR's own client, under its licence")
    options, rest = parser.parse_known_args()
    return COMMANDS[options.command][0](options, rest)


if __name__ == "__main__":
    sys.exit(main())
