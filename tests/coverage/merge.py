"""Makes tests/coverage/seen.json from what the tours have recorded: python tests/coverage/merge.py FOLDER ...

Each folder holds one run of the tours with IBKR_SIM_CROSSINGS=FOLDER. Only what every run has seen is kept, so that no
message is claimed that comes by chance; tests that were not run keep their claims.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

CLAIMS = Path(__file__).parent / "seen.json"
Seen = dict[str, set[tuple[int, str, int]]]


def main(folders: list[Path]) -> int:
    if not folders:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    merge(folders, CLAIMS)
    return 0


def merge(folders: list[Path], target: Path) -> None:
    claims: dict[str, dict[str, str]] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    seen: Seen = {}
    for folder in folders:
        for path in sorted(folder.glob("*.json")):
            told = json.loads(path.read_text(encoding="utf-8"))
            rows = {(version, direction, number) for version, direction, number in told["seen"]}
            seen[told["test"]] = seen.get(told["test"], rows) & rows
            claims[told["test"]] = {"client": told["client"]}
    for test, rows in seen.items():
        claims[test].update(_compact(rows))
    text = json.dumps(dict(sorted(claims.items())), indent=1, ensure_ascii=False)
    target.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _compact(rows: set[tuple[int, str, int]]) -> dict[str, str]:
    numbers: dict[Any, list[int]] = defaultdict(list)
    for version, direction, number in sorted(rows):
        numbers[f"{version} {direction}"].append(number)
    return {key: " ".join(map(str, found)) for key, found in numbers.items()}


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
