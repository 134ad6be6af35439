"""The methods a solve may be asked for (see docs/solving.md)."""

from __future__ import annotations

from typing import Literal, get_args

Method = Literal["auto", "direct", "location", "kernel", "decompose"]
METHODS: tuple[str, ...] = get_args(Method)
