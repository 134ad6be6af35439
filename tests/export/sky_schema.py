"""SkyPilot's own schema of task files, out of its package, without what the rest of the package needs.

`make` installs SkyPilot without its dependencies (389 MB with them): its modules of schemas and constants are imported,
and those modules that they name but need for other things are stood in for.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

STOOD_IN = {
    "sky.skylet.autostop_lib": {"AutostopWaitFor": SimpleNamespace(supported_modes=lambda: [])},
    "sky.serve.load_balancing_policies": {"LB_POLICIES": {}},
    "sky.serve.spot_placer": {"SPOT_PLACERS": {}},
}
PACKAGES = ("sky", "sky.skylet", "sky.utils", "sky.serve", "sky.setup_files")


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of a task and of its `resources` and `service`, as SkyPilot 0.14.1 checks them."""
    spec = importlib.util.find_spec("sky")
    assert spec is not None, "SkyPilot is not installed: make venv"
    assert spec.submodule_search_locations
    home = Path(next(iter(spec.submodule_search_locations)))
    before = {name for name in sys.modules if name.partition(".")[0] == "sky"}
    try:
        for name in PACKAGES:
            module = ModuleType(name)
            module.__path__ = [str(home.joinpath(*name.split(".")[1:]))]
            module.__version__ = module.__commit__ = "0.14.1"
            sys.modules[name] = module
        for name, names in STOOD_IN.items():
            module = ModuleType(name)
            vars(module).update(names)
            sys.modules[name] = module
            package, _, own = name.rpartition(".")
            setattr(sys.modules[package], own, module)
        found = importlib.import_module("sky.utils.schemas")
        vars(found)["_task_config_schema"] = dict  # of `config`, which no export writes
        return {
            "task": found.get_task_schema(),
            "resources": found.get_resources_schema(),
            "service": found.get_service_schema(),
        }
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "sky" and name not in before]:
            del sys.modules[name]
