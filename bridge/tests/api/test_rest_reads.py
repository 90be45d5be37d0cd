"""Reads over the real service and the real simulator."""

from __future__ import annotations

from typing import Any

from conftest import ACCOUNT, Caller
