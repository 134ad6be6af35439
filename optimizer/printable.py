"""Text from files on its way to a terminal: what would steer the terminal is shown, not sent."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters but for tab and newline, marks that turn the direction of text, halves of characters and what is
no character: a drawing (XML) with one of them in it cannot be made."""
_IN_ONE_LINE = re.compile(rf"{_UNPRINTABLE.pattern}|[\t\n]")


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return text with its control characters written out (`\x1b`, `\u202e`); `lines`: tab and newline stay."""
    return (_UNPRINTABLE if lines else _IN_ONE_LINE).sub(_written_out, text)


def printable_json(text: str) -> str:
    r"""Return JSON with the control characters in its strings written as JSON escapes them (`\u009b`)."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return {9: "\\t", 10: "\\n"}.get(code) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
