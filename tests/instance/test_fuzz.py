"""Whatever stands in a file, loading ends in an Instance or in an InputError, never in another exception."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from optimizer import bundled
from optimizer.errors import InputError
from optimizer.instance.load import load
from optimizer.instance.yaml_reader import read_yaml

SOURCES = ["quickstart.yaml", "typical-day.yaml", "health-assistant.yaml", "india-payments.yaml"]
JUNK: list[Any] = [
    *(
        None,
        True,
        -1,
        0,
        10**400,
        1e308,
        float("nan"),
        float("-inf"),
        "",
        "x",
        "NO",
        "é\u2028",
        "2027-02-30",
        "a" * 5000,
    ),
    *([], [[]], [None], ["a", "a"], [{"id": "a"}, {"id": "a"}]),
    *({}, {"id": "a"}, {"kind": "service"}, {"": 1}, {"limit_eur": 5}),
]


def paths_of(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value below the root."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in items for found in [(*path, key), *paths_of(value, (*path, key))]]


def mutate(data: Any, rng: random.Random) -> Any:
    """Break one to four values: replaced by junk, removed, doubled, renamed or copied from elsewhere."""
    data = copy.deepcopy(data)
    for _ in range(rng.randint(1, 4)):
        path = rng.choice(paths_of(data) or [()])
        if not path:
            break
        owner = data
        for key in path[:-1]:
            owner = owner[key]
        key, action = path[-1], rng.randrange(5)
        if action == 0:
            del owner[key]
        elif action == 1 and isinstance(owner, list):
            owner.append(copy.deepcopy(owner[key]))
        elif action == 2 and isinstance(owner, dict):
            owner[str(key) + rng.choice(["s", "_eur", "_usd", "x"])] = owner.pop(key)
        elif action == 3:
            other = data
            for step in rng.choice(paths_of(data)):
                other = other[step]
            owner[key] = copy.deepcopy(other)
        else:
            owner[key] = copy.deepcopy(rng.choice(JUNK))
    return data


def try_load(source: Any) -> bool:
    """Load; True if it loads, False if it is refused with at least one complete issue."""
    try:
        load(source, references=False)
    except InputError as error:
        complete = bool(error.issues) and all(issue.what and len(str(issue)) < 10_000 for issue in error.issues)
        if not complete:
            raise AssertionError(f"incomplete issues: {error.issues}") from error
        return False
    return True


@pytest.mark.parametrize("name", SOURCES)
def test_broken_values(name: str, tmp_path: Path):
    """250 random breakages of each bundled file, as a mapping, as YAML and as JSON, are judged alike."""
    data = read_yaml((bundled.PATH / name).read_text(), name)[0]
    rng = random.Random(name)
    for number in range(250):
        broken = mutate(data, rng)
        good = try_load(broken)
        path = tmp_path / f"broken.{'json' if number % 2 else 'yaml'}"
        text = json.dumps(broken, indent=1)  # JSON is YAML too, but for NaN, which is a word there
        path.write_text(text)
        assert try_load(path) == good or "NaN" in text or "Infinity" in text, broken


@pytest.mark.parametrize("name", SOURCES)
def test_broken_bytes(name: str, tmp_path: Path):
    """200 files with bytes flipped, cut or doubled."""
    content = (bundled.PATH / name).read_bytes()
    rng = random.Random(name)
    path = tmp_path / "broken.yaml"
    for _ in range(200):
        raw = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(raw))
            action = rng.randrange(4)
            if action == 0:
                raw[at] = rng.randrange(256)
            elif action == 1:
                del raw[at:]
                break
            elif action == 2:
                raw[at:at] = rng.choice([b"\n", b"  ", b"[", b"}", b"- ", b": ", b"&a ", b"*a ", b"!x ", b"\t", b"'"])
            else:
                raw[at:at] = raw[at : at + rng.randint(1, 200)]
        if not raw:
            continue
        path.write_bytes(bytes(raw))
        try_load(path)


def test_broken_tables(tmp_path: Path):
    """400 CSV tables with bytes flipped, cut or doubled."""
    base = read_yaml((bundled.PATH / "quickstart.yaml").read_text(), "quickstart")[0]
    service = next(w for w in base["workloads"] if w["kind"] == "service")
    service.pop("streams", None)
    base["tables"] = {"streams": "s.csv"}
    (tmp_path / "a.yaml").write_text(json.dumps(base))
    content = (
        f'workload,origin,rate,mean_rate,unit\n{service["id"]},DE,100,50,tokens/s\n"{service["id"]}",NA,1e3,,tokens/s\n'
    )
    (tmp_path / "s.csv").write_text(content)
    assert try_load(tmp_path / "a.yaml")
    rng = random.Random(7)
    for _ in range(400):
        raw = bytearray(content.encode())
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(raw))
            action = rng.randrange(3)
            if action == 0:
                raw[at] = rng.randrange(256)
            elif action == 1:
                raw[at:at] = rng.choice([b"\n", b",", b'"', b"|", b".", b"\x00", b"\r", b"-"])
            else:
                raw[at:at] = raw[at : at + rng.randint(1, 40)]
        (tmp_path / "s.csv").write_bytes(bytes(raw))
        try_load(tmp_path / "a.yaml")
