"""Exit codes: what each means of each command, as its `--help` says."""

from __future__ import annotations

import click

FAULT, BAD_INPUT, INFEASIBLE, STOPPED, VIOLATIONS, REQUIRED = 1, 2, 3, 4, 5, 6
USUAL = {0: "done", FAULT: "internal error", BAD_INPUT: "bad input or usage"}
"""Of every command."""

_ANSWERED = {0: "answered", STOPPED: "stopped by the time limit or Ctrl-C: the best answer until then is printed"}
OF_COMMANDS: dict[str, dict[int, str]] = {
    "solve": {
        0: "a plan within the gap asked",
        FAULT: "internal error, a bound that contradicts the plan, or a plan that could not be written",
        INFEASIBLE: "proven infeasible: the output says why",
        STOPPED: "stopped by the time limit or Ctrl-C: the best plan found is written with its gap",
    },
    "validate": {0: "valid"},
    "audit": {
        0: "no violations",
        FAULT: "internal error, or a proof that --prove contradicts",
        INFEASIBLE: "the file holds no plan: infeasible",
        STOPPED: "the file holds no plan: none was found in time; or --prove was left undecided",
        VIOLATIONS: "violations, or something that serves nothing",
        REQUIRED: "no violations, but open actions under --require no-open-actions",
    },
    "explain why": _ANSWERED,
    "explain prices": _ANSWERED,
    "explain infeasible": {**_ANSWERED, 0: "settled, also where a plan exists"},
    "alternatives": _ANSWERED,
    "study frontier": _ANSWERED,
    "study run": {
        0: "every scenario is solved",
        FAULT: "internal error, or a scenario failed",
        STOPPED: "stopped by the time limit or Ctrl-C: a second run goes on from there",
    },
}
"""Beside the usual ones, or in their place."""


def codes_of(path: str) -> dict[int, str]:
    """Return what the exit codes of a command mean, by the words that name it (`explain why`)."""
    return dict(sorted((USUAL | OF_COMMANDS.get(path, {})).items()))


def tell_exit_codes(group: click.Group, path: str = "") -> None:
    """Let `--help` of every command below a group end with its exit codes."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            tell_exit_codes(command, words)
        if command.epilog is None:
            told = "\n".join(f"{code}  {meaning}" for code, meaning in codes_of(words).items())
            command.epilog = f"\b\nExit codes:\n{told}"
