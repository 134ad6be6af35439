"""The tool that runs the README's commands finds exactly what a reader would type."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from domicile.cli import main
from optimizer import bundled
from optimizer.catalogue import load_catalogue
from optimizer.laws import load_laws

TOOL = bundled.PATH.parent / "tools" / "readme_commands.py"
README = (bundled.PATH.parent / "README.md").read_text(encoding="utf-8")
TEXT = """\
Text with `domicile solve x` inline.

```python
domicile = 1
```

```console
$ domicile validate a.yaml
a.yaml: valid
$ domicile solve a.yaml \\
    --quiet
```

```sh
make demo
makefile
echo domicile
```
"""


def test_commands_are_found_in_shell_blocks_only(tmp_path: Path):
    """Prompts are stripped, continuations joined, output and other languages left out."""
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    command = [sys.executable, TOOL, readme, "--list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = [line.split(": ", 1)[1] for line in lines]
    assert found == ["domicile validate a.yaml", "domicile solve a.yaml --quiet", "make demo"]


def test_a_broken_promise_is_reported(tmp_path: Path):
    """Another exit code than the one shown fails; a promised one passes."""
    readme = tmp_path / "README.md"
    readme.write_text("```sh\nmake -f missing.mk\n```\n")
    assert subprocess.run([sys.executable, TOOL, readme], capture_output=True, check=False).returncode == 1
    readme.write_text("```sh\nmake -f missing.mk  # exit 2\n```\n")
    assert subprocess.run([sys.executable, TOOL, readme], capture_output=True, check=False).returncode == 0


def test_the_readme_names_every_option_and_method_of_solve():
    """And no option that no command has."""
    own = {option for parameter in main.commands["solve"].params for option in parameter.opts if option[:2] == "--"}
    own |= set(next(p.type.choices for p in main.commands["solve"].params if p.name == "method"))
    assert not [name for name in own if f"`{name}" not in README]
    groups = [main, *main.commands.values()]
    commands = [*groups, *(below for group in groups for below in getattr(group, "commands", {}).values())]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    assert not set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) - known - {"--help"}


def test_the_readme_counts_what_the_data_holds():
    """Regions, providers, SKUs, laws and jurisdictions."""
    catalogue = load_catalogue()
    regions, skus = catalogue.regions, catalogue.skus
    laws = load_laws().laws
    jurisdictions = {code for law in laws.values() for code in law.jurisdictions}
    assert f"{len(regions)} regions of {regions.provider.nunique()} providers, {len(skus)} SKUs" in README
    assert f"{len(laws)} rules of {len(jurisdictions)} jurisdictions" in README
