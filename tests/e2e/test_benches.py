"""Every bench, small: that it still measures. What it measures on a busy machine is nobody's concern."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from pathlib import Path

import pytest

from bench.__main__ import MEASURES

SMALL = ("--orders", "5", "--past", "300", "--ticks", "1000", "--resting", "300")
PATIENCE = 240
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", MEASURES)
async def test_a_bench_tells_its_figures_with_their_baselines(tmp_path: Path, name: str) -> None:
    written = tmp_path / "figures.json"
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench", "--only", name, *SMALL, "--json", str(written)),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(bench.communicate(), PATIENCE)
    finally:
        if bench.returncode is None:
            bench.kill()
            await bench.wait()
    assert bench.returncode == 0, said.decode()
    rows = json.loads(written.read_text())["rows"]
    assert all(math.isfinite(row["value"]) for row in rows)
    assert any(row["baseline_value"] is not None or row["target"] for row in rows)
