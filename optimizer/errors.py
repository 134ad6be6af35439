"""What can go wrong, and how it is told.

DomicileError
├── InputError          bad input: one or many `Issue`s, all of a file at once     (exit code 2)
├── InfeasibleError     the instance admits no plan: carries the reasons           (exit code 3)
└── InternalError       a promise of ours was broken, e.g. a plan that fails audit (exit code 1)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.printable import printable

ISSUES_TOLD = 100
"""Most problems that one message lists."""

CODES = {
    "argument": "an argument of a function means nothing there",
    "exists": "a file that would be written exists, and is not overwritten",
    "file_missing": "a file or folder does not exist",
    "file_unreadable": "a file cannot be read: no regular file, outside its folder, no permission, not text",
    "invalid": "anything else that is wrong with an input; the sentence says what",
    "missing": "a field that is needed is not there",
    "out_of_range": "a figure lies outside the range of its field",
    "syntax": "a file is not YAML, JSON or CSV, or not whole",
    "too_large": "a file, a table or an instance is larger than is read",
    "unknown_field": "a field that nothing has",
    "unknown_name": "an id or a word that nothing defines",
    "wrong_type": "a value of another type than its field takes",
}
"""What can be wrong with an input, by the code of an `Issue`. Codes are stable; sentences may be put better."""


@dataclass(frozen=True)
class Issue:
    """One thing wrong in one place.

    `file` is the path as the user gave it, `where` the place inside (`workloads[3].streams[0].rate`, `row 17,
    column limit_kg`), `line` the 1-based line if known, `what` the sentence that names the value, `maybe` the advice,
    `code` the kind of problem, one of `CODES`.
    """

    what: str
    file: str | None = None
    where: str | None = None
    line: int | None = None
    maybe: str | None = None
    code: str = "invalid"

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}"
        parts = [part for part in (place, self.where) if part]
        text = printable(": ".join([*parts, self.what]), lines=True)
        return f"{text}\nMaybe {printable(self.maybe, lines=True)}" if self.maybe else text


class DomicileError(Exception):
    """Base class of every error domicile raises on purpose; `code` names the class in words that stay."""

    code = "error"
    exit_code = 1


class InputError(DomicileError):
    """Bad input. `issues` holds every problem found, in file order; the message tells the first 100 of them."""

    code = "input"
    exit_code = 2

    def __init__(self, issues: Iterable[Issue] | Issue | str) -> None:
        if isinstance(issues, str):
            issues = [Issue(issues)]
        elif isinstance(issues, Issue):
            issues = [issues]
        self.issues: tuple[Issue, ...] = tuple(issues)
        told = [str(issue) for issue in self.issues[:ISSUES_TOLD]]
        if len(self.issues) > ISSUES_TOLD:
            told.append(f"and {len(self.issues) - ISSUES_TOLD:,} more problems")
        super().__init__("\n".join(told))


class InfeasibleError(DomicileError):
    """No plan obeys every rule of the instance; the message names what blocks it."""

    code = "infeasible"
    exit_code = 3


class InternalError(DomicileError):
    """A promise of the engine was broken; never the user's fault."""

    code = "internal"
    exit_code = 1
