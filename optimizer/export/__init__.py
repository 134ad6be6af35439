"""Exports: a plan as files of other tools. Each format is one module that makes files and names what it leaves out.

`export` is the public function. A format is given a plan, and where it asks for more than the plan holds the instance;
it writes nothing itself, reads nothing, and never says more than these know.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.export.exported import Exported
    from optimizer.instance.models import Instance
    from optimizer.plan.models import Plan

__all__ = ["export"]


def export(
    plan: Plan, *, to: str, folder: str | os.PathLike[str], instance: Instance | None = None,
    clusters: Mapping[str, str] | None = None,
) -> Exported:  # fmt: skip
    """Write a plan as files of another tool into a folder, made if need be; say what could not be exported.

    Parameters
    ----------
    plan
        A plan, as `solve` or `Plan.read` returns it.
    to
        The format: one of `optimizer.export.formats.FORMATS` (`xlsx`, `register`, `skypilot`, ...).
    folder
        Where the files go, all together or none. Nothing is written anywhere else; files of other names are left alone.
    instance
        The instance that the plan is of. Formats that tell of data, persons or fallbacks need it.
    clusters
        By id of a region the name of your Kubernetes cluster there: a context for SkyPilot, a member cluster for
        Karmada, Kueue and Open Cluster Management.

    Raises
    ------
    InputError
        No such format; a plan that places nothing, or is of another instance; an instance that is missing; a package
        that is not installed; a file in the folder that is a link.
    OSError
        The folder cannot be written to.
    """
    from optimizer.export.exported import written

    return written(plan, to=to, folder=folder, instance=instance, clusters=clusters or {})
