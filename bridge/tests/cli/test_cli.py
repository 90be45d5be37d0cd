"""The command line, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """In an empty folder, with nothing of ours in the environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IB_", "IBKR_", "PORT", "LOG_"))}
    command = [sys.executable, "-m", "ibkr_bridge", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**kept, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_teaches_with_examples(tmp_path: Path) -> None:
    shown = run("--help", folder=tmp_path)
    assert shown.returncode == 0
    for word in ("serve", "demo", "check-config", "default-config", "version", "ibkr-bridge serve --trade"):
        assert word in shown.stdout
    assert "--tws-port" in run("serve", "--help", folder=tmp_path).stdout
    assert "curl" in run("demo", "--help", folder=tmp_path).stdout


def test_the_version_is_one_line(tmp_path: Path) -> None:
    shown = run("version", folder=tmp_path)
    assert (shown.returncode, shown.stdout.count("\n"), shown.stderr) == (0, 1, "")


def test_the_default_config_is_accepted_by_check_config(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(run("default-config", folder=tmp_path).stdout)
    checked = run("check-config", "--strict", folder=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_check_config_tells_origins_and_masks_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("IB_PORT=7497\n")
    shown = run("check-config", folder=tmp_path, IBKR_SERVICE_REQUIRED_API_KEY="hush-hush", NODE_ENV="production")
    assert shown.returncode == 0
    assert "IB_PORT (.env)" in shown.stdout
    assert "IBKR_SERVICE_REQUIRED_API_KEY (environment)" in shown.stdout
    assert "hush-hush" not in shown.stdout + shown.stderr
    assert "NODE_ENV is set and has no effect" in shown.stderr


def test_strict_fails_on_a_misspelt_name_only(tmp_path: Path) -> None:
    assert run("check-config", folder=tmp_path, IBKR_SERVICE_PROT="1").returncode == 0
    assert run("check-config", "--strict", folder=tmp_path, IBKR_SERVICE_PROT="1").returncode == 2
    assert run("check-config", "--strict", folder=tmp_path, IBKR_SERVICE_WORKERS="4").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "says"),
    [
        (("serve",), {"PORT": "many"}, 2, "PORT (environment)"),
        (("serve", "--host", "0.0.0.0"), {}, 2, "IBKR_SERVICE_REQUIRED_API_KEY"),
        (("serve", "--world", "live"), {}, 2, "IBKR_SERVICE_ALLOW_LIVE"),
        (("serve", "--env-file", "none"), {}, 2, "there is no such file"),
        (("serve", "--sausage"), {}, 2, "No such option"),
        (("serve", "--tws-port", "1"), {"IBKR_SERVICE_LOG_LEVEL": "error", "PORT": "0"}, 1, "127.0.0.1:1"),
    ],
)
def test_an_error_is_a_clear_line_and_a_code(
    tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str], code: int, says: str
) -> None:
    ended = run(*arguments, folder=tmp_path, **environ)
    assert ended.returncode == code
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
