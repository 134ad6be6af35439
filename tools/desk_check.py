"""Ask domicile the questions of `docs/desk-check.csv` again and write its answers and the verdicts beside the sources'.

    python -m tools.desk_check            write the file anew
    python -m tools.desk_check --check    say what would change, and exit with 1 if anything would

What a source says is written by hand (`source_levels`, `source_says`, `source`); the verdict follows from the two:

    right         the same levels wherever the source says one (and the duties that it names)
    misleading    other levels, but as usable or not as the source says
    unknown said  domicile says unknown
    wrong         usable where the source says it is not, or the reverse

Usable are free and conditional. Lines that are wrong name in `note` what would mend them.
"""

from __future__ import annotations

import csv
import io
import json
import shlex
import sys
from pathlib import Path

from click.testing import CliRunner

from domicile.cli import main as domicile

FILE = Path(__file__).parents[1] / "docs" / "desk-check.csv"
COLUMNS = (
    "id", "area", "question", "command", "domicile_says", "source_levels", "source_says", "source", "verdict", "note",
    "checked_on",
)  # fmt: skip
USABLE = {"free": True, "conditional": True, "approval": False, "forbidden": False}
PARTS = ("storage", "processing", "access")
OPEN = "wrong, open: "
"""How the note of a wrong answer begins, before what would mend it."""


def answer(command: str) -> str:
    """What domicile says: a level per activity, or of a chip, and the duties."""
    result = CliRunner().invoke(domicile, [*shlex.split(command)[1:], "--json"])
    if result.exit_code != 0:
        raise SystemExit(f"{command}: {result.output}")
    report = json.loads(result.stdout)
    if "chip" in report["query"]:
        return f"chip={report['verdict']}"
    duties = ",".join(f"{duty['kind']}:{'+'.join(duty['countries'])}" for duty in report["duties"])
    levels = " ".join(f"{part}={report[part]}" for part in PARTS)
    return f"{levels} duties={duties}" if duties else levels


def verdict(said: str, source: str) -> str:
    """How domicile's answer compares with the source's, part by part; the worst counts."""
    mine, theirs = (dict(part.split("=") for part in text.split()) for text in (said, source))
    duties = set(theirs.pop("duties", "").split(",")) - {""}
    if any(mine[part] == "unknown" for part in theirs):
        return "unknown said"
    if any(USABLE[mine[part]] != USABLE[level] for part, level in theirs.items()):
        return "wrong"
    same = all(mine[part] == level for part, level in theirs.items())
    return "right" if same and duties <= set(mine.get("duties", "").split(",")) else "misleading"


def checked() -> str:
    """The file with every question asked again."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        said = answer(row["command"])
        found = verdict(said, row["source_levels"])
        note = row["note"] if found == "wrong" else row["note"].replace(OPEN, "mended: ")
        writer.writerow({**row, "domicile_says": said, "verdict": found, "note": note})
    return text.getvalue()


def main() -> None:
    """Write the file, or with --check compare it."""
    new = checked()
    if "--check" in sys.argv[1:]:
        old = FILE.read_text(encoding="utf-8").splitlines()
        changed = [line for line in new.splitlines() if line not in old]
        print("\n".join(changed) or "as committed")
        sys.exit(bool(changed))
    FILE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
