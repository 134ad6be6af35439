"""A verdict of the law pack for people: how free, by which laws, under which safeguards, on what assumption."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from optimizer.laws.types import ACTIVITIES, Verdict, Verdicts
from optimizer.printable import printable
from optimizer.report.parts import bullet, heading

STYLES = {"free": "bold green", "forbidden": "bold red"}


def render_verdicts(verdicts: Verdicts, console: Console) -> None:
    """Print the verdicts on storage, processing and access, and what could not be turned into a rule."""
    for activity in ACTIVITIES:
        render_verdict(verdicts.of(activity), console, of=activity)
    for risk in verdicts.residual_risks:
        bullet(console, f"residual risk: {printable(risk)}")
    if verdicts.unmodelled:
        bullet(console, f"no effect on this yet: {', '.join(verdicts.unmodelled)}")


def render_verdict(verdict: Verdict, console: Console, of: str = "") -> None:
    """Print a verdict with what is behind it."""
    level = verdict.level.value
    if of:
        heading(console, of)
    laws = f" by {printable(', '.join(verdict.laws))}" if verdict.laws else ""
    console.print(Text.assemble((level.replace("_", " "), STYLES.get(level, "bold yellow")), laws))
    for one in verdict.requirements:
        names = " or ".join(dict.fromkeys(key.mechanism for key in one.mechanisms))
        bullet(console, f"{one.law} asks for {printable(names)}")
    for law, sentence in (*verdict.reasons, *verdict.unknown, *verdict.confirm, *verdict.free_if):
        bullet(console, printable(f"{law}: {sentence}"))
    for told in verdict.conditions_assumed:
        bullet(console, f"taken as met: {printable(told)}")
