"""What the shell completes: names of bundled instances and studies, and ids of the bundled catalogue and laws.

Names are read from the small tables as text, so that a key press loads neither pandas nor the catalogue.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

_LAW = re.compile(r"^([A-Z][A-Za-z0-9_-]*):$", re.MULTILINE)


def _column(table: str, column: str) -> Iterator[str]:
    from optimizer.bundled import PATH

    with (PATH / table).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield row[column]


def providers() -> list[str]:
    """Ids of the operators of the bundled catalogue."""
    return sorted(_column("catalogue/providers.csv", "provider"))


def regions() -> list[str]:
    """Ids of its regions, `provider:region`."""
    return sorted(_column("catalogue/regions.csv", "region_id"))


def accelerators() -> list[str]:
    """Names of its accelerators."""
    return sorted(_column("catalogue/accelerators.csv", "accelerator"))


def countries() -> list[str]:
    """Countries in which it has a region."""
    return sorted(set(_column("catalogue/regions.csv", "country")))


def origins() -> list[str]:
    """Countries and cities from which round trips can be asked, and regions."""
    found = {f"{row}" for row in _column("catalogue/places.csv", "country")}
    with_city = zip(_column("catalogue/places.csv", "country"), _column("catalogue/places.csv", "city"), strict=True)
    return sorted({*found, *(f"{country}:{city}" for country, city in with_city), *regions()})


def laws() -> list[str]:
    """Ids of the bundled laws."""
    from optimizer.bundled import PATH

    files = sorted((PATH / "laws" / "rules").glob("*.yaml"))
    return sorted({name for file in files for name in _LAW.findall(file.read_text(encoding="utf-8"))})


def instances() -> list[str]:
    """Names of the bundled instances."""
    from optimizer.bundled import bundled_instances

    return list(bundled_instances())


def studies() -> list[str]:
    """Names of the bundled studies."""
    from optimizer.bundled import bundled_studies

    return list(bundled_studies())


class OneOf(click.ParamType):
    """Text that the shell completes from a list; whether it is known is for the command to say, with advice."""

    def __init__(self, name: str, known: Callable[[], list[str]]) -> None:
        self.name, self._known = name, known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is."""
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the known names that begin so, whatever their letters' case."""
        begin = incomplete.lower()
        return [CompletionItem(name) for name in self._known() if name.lower().startswith(begin)]


class BundledOrFile(click.Path):
    """A path; the shell completes names of what is bundled beside those of files."""

    def __init__(self, known: Callable[[], list[str]]) -> None:
        super().__init__(path_type=Path)
        self._known = known

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return bundled names that begin so, and leave files to the shell."""
        names = [CompletionItem(name) for name in self._known() if name.startswith(incomplete)]
        return [*names, *super().shell_complete(ctx, param, incomplete)]


INSTANCE = BundledOrFile(instances)
STUDY = BundledOrFile(studies)
PROVIDER, REGION = OneOf("provider", providers), OneOf("region", regions)
ACCELERATOR, COUNTRY = OneOf("accelerator", accelerators), OneOf("country", countries)
ORIGIN, LAW = OneOf("origin", origins), OneOf("law", laws)

SHELLS = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc",
    "fish": "~/.config/fish/completions/domicile.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a SHELL complete commands, options, and names of bundled instances and ids.

    \b
    bash: eval "$(domicile completion bash)"      in ~/.bashrc (bash 4.4 or newer)
    zsh:  eval "$(domicile completion zsh)"       in ~/.zshrc, below compinit
    fish: domicile completion fish > ~/.config/fish/completions/domicile.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    root = ctx.find_root()
    told = made(root.command, {}, "domicile", "_DOMICILE_COMPLETE")
    click.echo(told.source().rstrip("\n"))
