"""The same program in linopy: one vectorised variable array per family, one sparse constraint array per row family."""

from __future__ import annotations

from typing import Any

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.program import Program, Rows

linopy.options["semantics"] = "v1"


def build_with_linopy(program: Program) -> Any:
    """Return the linopy model, in its sparse form (the fastest that linopy has)."""
    model = linopy.Model(sparse=True)
    variables: dict[str, Any] = {}
    for name, family in program.families.items():
        if family.upper.size:
            coordinates = [pd.RangeIndex(family.upper.size, name=name)]
            upper = xr.DataArray(family.upper, coords=coordinates)
            variables[name] = model.add_variables(
                lower=0.0, upper=upper, coords=coordinates, name=name, integer=family.integer
            )
    for name, rows in program.rows.items():
        _add(model, variables, name, rows)
    cost = [
        (variables[name] * xr.DataArray(family.cost, dims=[name], coords=variables[name].coords)).sum()
        for name, family in program.families.items()
        if family.cost.any()
    ]
    model.add_objective(sum(cost[1:], cost[0]))
    return model


def _add(model: Any, variables: dict[str, Any], name: str, rows: Rows) -> None:
    labels = np.concatenate([variables[part.family].labels.to_numpy()[part.column] for part in rows.parts])
    weights = np.concatenate([part.weight for part in rows.parts])
    entry = pd.RangeIndex(labels.size, name="entry")
    terms = xr.Dataset(
        {"coeffs": (("entry", "_term"), weights[:, None]), "vars": (("entry", "_term"), labels[:, None])},
        coords={"entry": entry},
    )
    of = pd.Series(np.concatenate([part.row for part in rows.parts]), index=entry, name="row")
    left = linopy.LinearExpression(terms, model).groupby(of).sum()
    index = pd.RangeIndex(rows.lower.size, name="row")
    for sign, side in (("=", None), ("<=", rows.upper), (">=", rows.lower)):
        if sign == "=" and np.array_equal(rows.lower, rows.upper):
            model.add_constraints(left, "=", xr.DataArray(rows.upper, coords=[index]), name=name, freeze=True)
            return
        if side is not None and np.isfinite(side).any():
            keep = np.flatnonzero(np.isfinite(side))
            body = left if keep.size == side.size else left.isel(row=keep)
            bound = xr.DataArray(side[keep], coords=[index[keep]])
            model.add_constraints(body, sign, bound, name=f"{name} {sign}", freeze=True)
