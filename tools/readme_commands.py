"""Run the commands a Markdown file shows, so that it cannot promise what does not work.

    python tools/readme_commands.py README.md

Every line of a ```console or ```sh block that starts with `domicile` or `make` (after an optional `$ `) is run in the
folder of the file. It must end with exit code 0, or with the code its line names: `domicile audit ...  # exit 5`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\s*$")
_EXIT = re.compile(r"#\s*exit (\d+)\s*$")


def commands(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, command) of every command shown; a trailing backslash continues on the next line."""
    shown = False
    pending, start = "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(raw.strip())
        if fence:
            shown = not shown and fence[1] in ("console", "sh")
            pending = ""
            continue
        if not shown:
            continue
        line = raw.strip().removeprefix("$ ")
        if pending:
            line = pending + line
        elif not re.match(r"(domicile|make)(\s|$)", line):
            continue
        else:
            start = number
        if line.endswith("\\"):
            pending = line[:-1]
            continue
        pending = ""
        yield start, line


def main() -> int:
    """Run the commands; return 1 if one of them ends otherwise than promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--list", action="store_true", help="print the commands and run nothing")
    parser.add_argument("--skip", action="append", default=[], help="a command that was run already, without comment")
    options = parser.parse_args()
    found = list(commands(options.file.read_text(encoding="utf-8")))
    if not found:
        print(f"{options.file}: shows no commands", file=sys.stderr)
        return 1
    broken = 0
    for number, command in found:
        print(f"{options.file}:{number}: {command}", flush=True)
        if options.list or command.partition("#")[0].strip() in options.skip:
            continue
        promised = _EXIT.search(command)
        expected = int(promised[1]) if promised else 0
        done = subprocess.run(command, shell=True, cwd=options.file.resolve().parent, capture_output=True, check=False)
        if done.returncode != expected:
            broken += 1
            print(f"  exit code {done.returncode}, expected {expected}\n{done.stderr.decode()}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
