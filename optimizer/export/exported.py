"""Writing an export: the format is asked, the arguments are checked, the files go into one folder, all or none."""

from __future__ import annotations

import importlib
import io
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, cast

from pydantic import BaseModel, ConfigDict

from optimizer.errors import InputError, Issue
from optimizer.export.base import Made, Source
from optimizer.export.formats import FORMATS
from optimizer.input_files import as_path
from optimizer.instance.models import Instance
from optimizer.plan.files import write_all
from optimizer.plan.models import Plan
from optimizer.suggest import did_you_mean

_FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,252}")


class ExportLeftOut(BaseModel):
    """Something of the plan that the format does not have: what, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    what: str
    why: str


class Exported(BaseModel):
    """What an export wrote, and what it could not say.

    `files` are names in `folder`; `left_out` is what of the plan is in none of them; `others` are files that stood in
    the folder before and are not of this export.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    to: str
    folder: str
    files: tuple[str, ...]
    left_out: tuple[ExportLeftOut, ...] = ()
    others: tuple[str, ...] = ()


def written(
    plan: Plan, *, to: str, folder: str | os.PathLike[str], instance: Instance | None, clusters: Mapping[str, str]
) -> Exported:
    """Make the files of a format and write them; arguments and errors as of `optimizer.export.export`."""
    source = _checked(plan, to, instance, clusters)
    target = as_path(folder, "folder")
    made = made_of(source, to)
    target.mkdir(parents=True, exist_ok=True)
    _require_own(made, target)
    before = {entry.name for entry in os.scandir(target)}
    write_all({target / name: partial(_fill, content) for name, content in made.files.items()})
    left_out = tuple(ExportLeftOut(what=one.what, why=one.why) for one in made.left_out)
    others = tuple(sorted(before - set(made.files)))
    return Exported(to=to, folder=str(target), files=tuple(made.files), left_out=left_out, others=others)


def made_of(source: Source, to: str) -> Made:
    """Return what a format makes of a source, its names checked: files of one folder, and nothing else."""
    module = importlib.import_module(f"optimizer.export.{FORMATS[to].module}")
    made: Made = module.made(source)
    for name in made.files:
        assert _FILE.fullmatch(name), name
    return made


def _checked(plan: Plan, to: str, instance: Instance | None, clusters: Mapping[str, str]) -> Source:
    if not isinstance(plan, Plan):
        maybe = "read it first: domicile.Plan.read(path)"
        raise InputError(Issue(f"is {type(plan).__name__}, not a Plan", where="plan", maybe=maybe))
    if instance is not None and not isinstance(instance, Instance):
        maybe = "load it first: domicile.load(path)"
        raise InputError(Issue(f"is {type(instance).__name__}, not an Instance", where="instance", maybe=maybe))
    if to not in FORMATS:
        maybe = did_you_mean(str(to), FORMATS) or f"one of {', '.join(FORMATS)}"
        raise InputError(Issue(f"is {to!r}, which is no format", where="to", maybe=maybe))
    if not plan.held:
        maybe = "change the instance until it has a plan: domicile explain infeasible"
        raise InputError(
            Issue(f"is {plan.status} and places nothing: there is nothing to export", where="plan", maybe=maybe)
        )
    if instance is None and FORMATS[to].needs_instance:
        maybe = "give it: --instance FILE, or instance=domicile.load(...)"
        raise InputError(
            Issue(f"{to} tells of what the instance states, and none is given", where="instance", maybe=maybe)
        )
    if instance is not None:
        _require_of(plan, instance)
    _require_clusters(plan, clusters)
    return Source(plan, instance, dict(clusters))


def _require_of(plan: Plan, instance: Instance) -> None:
    from optimizer.instance.identity import instance_sha256

    if plan.instance_sha256 is not None and plan.instance_sha256 != instance_sha256(instance):
        what = f"is of {plan.instance_name or 'another instance'} in another state than the instance given"
        maybe = "give the instance as it was solved, with its --change files, or solve it again"
        raise InputError(Issue(what, where="plan", maybe=maybe))


def _require_clusters(plan: Plan, clusters: Mapping[str, str]) -> None:
    known = {row.region_id for row in plan.placements}
    for region, name in clusters.items():
        if region not in known:
            maybe = did_you_mean(region, known)
            raise InputError(Issue(f"{region!r} is no region of the plan", where="clusters", maybe=maybe))
        if not _CLUSTER.fullmatch(name):
            maybe = "use letters, digits and _ . : / @ -"
            raise InputError(Issue(f"{name!r} is no name of a cluster", where=f"clusters[{region}]", maybe=maybe))


def _require_own(made: Made, target: Path) -> None:
    """Refuse links and folders where files are to stand: what is written would lie elsewhere."""
    for name in made.files:
        path = target / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            what = "is a link or no regular file, where an export writes a file of its own"
            raise InputError(Issue(what, file=str(path), maybe="remove it, or choose another folder"))


def _fill(content: str | bytes, stream: IO[str]) -> None:
    if isinstance(content, str):
        stream.write(content)
    else:
        cast(io.TextIOWrapper, stream).buffer.write(content)
