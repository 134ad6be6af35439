"""The cases of a pack (`cases.yaml`): for every law one in which it speaks and one in which it does not, as sentences.

The same file is what the tests judge; its head says what its short keys mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .. import bundled
from ..errors import InputError, Issue
from ..input_files import decoded, read_bytes

FILE = "cases.yaml"
SAYS = {
    "absent": "it does not bind",
    "duty": "it asks for a copy or for the first database",
    "unmodelled": "it is told, without an effect on plans",
    "risk": "it is told as a risk",
    "context": "it restricts nothing by itself",
    "rule": "it decides",
}
WORDS = (("c", "data"), ("s", "persons in"), ("e", "exporter in"), ("q", "headquarters in"), ("r", "role"),
         ("x", "sector"), ("f", "fact"), ("state", "data are"), ("tenant", "for a tenant of"), ("use", "for"),
         ("site", "site"))  # fmt: skip


def cases_of(law: str, source: str = "world") -> list[str]:
    """Return the cases of a law as sentences; none where the pack has no cases, or none of this law.

    `source`: "world", or the folder of a pack.

    Raises:
        InputError: the file of cases cannot be read.
    """
    found = _cases(bundled.PATH / "laws" if source == "world" else Path(source)).get(law) or {}
    return [sentence(case) for kind in ("yes", "no") if (case := found.get(kind))]


@lru_cache(maxsize=4)
def _cases(folder: Path) -> dict[str, dict[str, Any]]:
    import yaml

    if not (folder / FILE).exists():
        return {}
    text = decoded(read_bytes(folder / FILE, FILE, folder=folder), FILE)
    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise InputError(Issue(f"is no YAML: {error}", file=FILE)) from None
    return found if isinstance(found, dict) else {}


def sentence(case: Mapping[str, Any]) -> str:
    """One case: what is asked, and what the law says of it."""
    if "group" in case:
        group, place, day, inside = case["group"]
        return f"on {day} {place} is {'a' if inside else 'no'} member of {group}"
    asked = [f"{case['chip'][0]}{' to be delivered' if case.get('hypo') else ' in place'}"] if "chip" in case else []
    asked += [f"{words} {str(case[key]).replace(' ', ', ')}" for key, words in WORDS if case.get(key)]
    for key, words in (("n", "persons"), ("ns", "sensitive persons")):
        asked += [f"{count:,} {words} of {place}" for place, count in case.get(key, {}).items()]
    asked += [f"kept {case['h']:g} h"] if "h" in case else []
    asked += [_listed(*case["listed"])] if "listed" in case else []
    asked += ["under a scenario"] if case.get("patch") else []
    asked += ["guidance counted"] if case.get("advisory") else []
    where = " at ".join(filter(None, (case["to"], case.get("g") or case.get("p"))))
    service = f" ({case['v']})" if case.get("v") else ""
    day = f" on {case['day']}" if "day" in case else ""
    return f"{'; '.join(asked)}; to {where}{service}{day}: {_said(case)}"


def _listed(name: str, how: str) -> str:
    share = how.removeprefix("owner ")
    return f"the tenant is {'' if how == 'itself' else f'owned at {share} % by a party '}on {name}"


def _said(case: Mapping[str, Any]) -> str:
    if "st" in case:
        return f"storage {case['st']}, processing {case['pr']}"
    return str(case["pr"]) if "pr" in case else SAYS[case["says"]]
