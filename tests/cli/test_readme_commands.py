"""The tool that runs the README's commands finds exactly what a reader would type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import instances

TOOL = instances.PATH.parent / "tools" / "readme_commands.py"
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
