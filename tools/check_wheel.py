"""Build sdist and wheel from the files git knows, install the wheel elsewhere, and solve a bundled instance by name.

    python tools/check_wheel.py

The wheel is built from the sdist. It must hold every file of the packages and nothing generic at its top. The new
environment takes its dependencies from the one that runs this program, and domicile from the wheel alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
TOP = {"domicile", "formulations", "optimizer"}
INSIDE = ("cli.py", "instances")
"""What a checkout has at its top and a wheel inside `domicile`."""

IMPORTS = """
import importlib.util
import domicile, domicile.cli, optimizer.instance.models
import optimizer.solve.driver as engine
assert domicile.__file__.startswith({place!r}), domicile.__file__
assert engine.__name__ == "optimizer.solve.driver"
assert domicile.Instance is optimizer.instance.models.Instance
assert [name for name in ("cli", "instances") if importlib.util.find_spec(name)] == []
"""

TYPED = """
import domicile
instance: domicile.Instance = domicile.load("quickstart")
plan: domicile.Plan = domicile.solve(instance, gap=0.001)
report: domicile.AuditReport = domicile.audit(instance, plan)
reveal_type(plan.objective_usd)
reveal_type(report.violations[0])
"""
REVEALED = ("float | None", "Violation")


def main() -> int:
    """Build, install, ask; raise for what does not hold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        files = copy_tracked(folder / "source")
        wheel = build(folder / "source", folder / "dist")
        check_content(wheel, files)
        python = install(wheel, folder / "venv")
        use(python, folder)
        check_types(python, folder)
    print(f"{wheel.name}: {len(files)} files, installed elsewhere, solves and types are found")
    return 0


def run(command: Iterable[str | Path], **options: str | Path) -> str:
    """Run a command and return what it prints; what it says is shown where it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def copy_tracked(target: Path) -> set[str]:
    """Copy the files git knows, or would add; return those that belong into a wheel, by their names in it."""
    listed = run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    wanted = set()
    for name in filter(None, listed.split("\0")):
        source, copy = ROOT / name, target / name
        if not os.path.lexists(source):
            continue  # deleted, and not yet committed
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy, follow_symlinks=False)
        top = PurePosixPath(name).parts[0]
        if top in INSIDE:
            wanted.add(f"domicile/{name}")
        elif top in TOP and not source.is_symlink():
            wanted.add(name)
    return wanted


def build(source: Path, target: Path) -> Path:
    """Return the wheel built from the sdist of a folder."""
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source])
    (wheel,) = target.glob("*.whl")
    return wheel


def check_content(wheel: Path, wanted: set[str]) -> None:
    """Require that a wheel holds the files wanted, and nothing else beside its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    if held != wanted:
        raise SystemExit(f"{wheel.name} lacks {sorted(wanted - held)} and holds besides {sorted(held - wanted)}")


def install(wheel: Path, folder: Path) -> Path:
    """Return the Python of a new environment that holds the wheel, and finds its dependencies in ours."""
    run([sys.executable, "-m", "venv", "--without-pip", folder])
    python = folder / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check")
    run([sys.executable, "-m", "pip", "--python", python, *quiet, "install", "--no-deps", "--no-index", wheel])
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    left = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    if left != TOP:
        raise SystemExit(f"pip install leaves {sorted(left)} in site-packages; it should be {sorted(TOP)}")
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return python


def use(python: Path, folder: Path) -> None:
    """Import, and solve and audit a bundled instance, in a folder that is no checkout."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    domicile, plan = python.with_name("domicile"), elsewhere / "plan.json"
    run([python, "-c", IMPORTS.format(place=str(folder))], cwd=elsewhere)
    run([domicile, "solve", "quickstart", "--output", plan, "--quiet"], cwd=elsewhere)
    run([domicile, "audit", "quickstart", "--plan", plan], cwd=elsewhere)
    status = json.loads(plan.read_text(encoding="utf-8"))["status"]
    if status != "optimal":
        raise SystemExit(f"quickstart is {status}; it should be optimal")


def check_types(python: Path, folder: Path) -> None:
    """Require that a typed user of the wheel gets types."""
    script = folder / "elsewhere" / "typed.py"
    script.write_text(TYPED, encoding="utf-8")
    found = run([sys.executable, "-m", "mypy", "--strict", "--python-executable", python, script], cwd=script.parent)
    revealed = [line.partition("Revealed type is ")[2] for line in found.splitlines() if "Revealed type" in line]
    missing = [want for want, got in zip(REVEALED, revealed, strict=True) if want not in got]
    if missing:
        raise SystemExit(f"a typed user does not see {missing}:\n{found}")


if __name__ == "__main__":
    sys.exit(main())
