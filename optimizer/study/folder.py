"""The folder of a study: one record and one plan for each scenario, written whole; who runs it holds it.

    study.json             the study, its bases, its scenarios and the key of each
    bases/NAME.json.gz     the instance of each base
    scenarios/KEY.json     what came of a scenario; written after its plan, so that a record stands for both
    plans/KEY.json.gz      its plan; of a frontier also the plan of each point: KEY-1.json.gz, ...
    columns/KEY.npz        the prices and columns of its solve, with which that of a scenario like it begins
    *.parquet              tables over all scenarios, made from these (`optimizer.study.tables`)
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from optimizer.errors import InputError, Issue
from optimizer.plan.files import Writer, clear_stale, write_all, write_whole

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.instance.models import Instance

if sys.platform != "win32":
    import fcntl

MANIFEST, LOCK = "study.json", ".lock"
BASES, RECORDS, PLANS, COLUMNS = "bases", "scenarios", "plans", "columns"
Record = dict[str, Any]


class StudyFolder:
    """Results of a study in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder if need be and hold it; InputError where another run does, or nothing can be written."""
        try:
            for part in (BASES, RECORDS, PLANS, COLUMNS):
                (self.path / part).mkdir(parents=True, exist_ok=True)
                clear_stale(self.path / part)
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            if sys.platform != "win32":
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    what, maybe = "another run of a study writes here", "wait for it, or give another --out"
                    raise InputError(Issue(what, file=str(self.path), maybe=maybe)) from None
            yield
        finally:
            os.close(handle)

    def write_manifest(self, manifest: Mapping[str, Any], instances: Mapping[str, bytes]) -> None:
        """Write what the study is, and the instances of its bases (compressed); a folder of another study is an
        InputError.
        """
        before = self.manifest() if (self.path / MANIFEST).exists() else None
        if before is not None and before["study"]["name"] != manifest["study"]["name"]:
            what = f"holds the study {before['study']['name']!r}, not {manifest['study']['name']!r}"
            raise InputError(Issue(what, file=str(self.path), maybe="give another --out"))
        files: dict[Path, Writer] = {self._base(name): _binary(content) for name, content in instances.items()}
        files[self.path / MANIFEST] = lambda stream: stream.write(_json(manifest))
        self._write(lambda: write_all(files))

    def instance(self, base: str) -> Instance:
        """Return the instance of a base of the study, by its name."""
        from optimizer.study.solving import unpacked

        (folder,) = (one["folder"] for one in self.manifest()["bases"] if one["name"] == base)
        return unpacked(self._base(base).read_bytes(), folder)

    def currency(self, scenario: str) -> dict[str, Any] | None:
        """Return the currency of a scenario's base, None for USD."""
        manifest = self.manifest()
        base = next(one["base"] for one in manifest["scenarios"] if one["id"] == scenario)
        found: dict[str, Any] | None = next(one["currency"] for one in manifest["bases"] if one["name"] == base)
        return found

    def _base(self, name: str) -> Path:
        return self.path / BASES / f"{name}.json.gz"

    def manifest(self) -> dict[str, Any]:
        """Return what was written of the study; InputError where there is none."""
        return self._read(self.path / MANIFEST, "is no folder of a study", "domicile study run STUDY --out FOLDER")

    def record(self, key: str) -> Record | None:
        """Return what came of a scenario, None if it was not solved yet."""
        path = self.path / RECORDS / f"{key}.json"
        return self._read(path, "cannot be read", "remove it: it is then solved again") if path.exists() else None

    def plan(self, key: str, point: int | None = None) -> bytes | None:
        """Return the compressed plan of a scenario, or of a point of a frontier; None if it has none."""
        path = self.path / PLANS / f"{key}{'' if point is None else f'-{point}'}.json.gz"
        return path.read_bytes() if path.exists() else None

    def columns(self, key: str) -> bytes | None:
        """Return what the solve of a scenario handed on, None if it handed on nothing."""
        path = self.path / COLUMNS / f"{key}.npz"
        return path.read_bytes() if path.exists() else None

    def write_tables(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write tables as Parquet, all of them or none."""
        writers = {self.path / f"{name}.parquet": _parquet(table) for name, table in tables.items()}
        self._write(lambda: write_all(writers))

    def keep(
        self, record: Record, plan: bytes | None, columns: bytes | None = None, points: tuple[bytes, ...] = ()
    ) -> None:
        """Write what came of a scenario, its record last; `points` are the plans of a frontier."""

        def write() -> None:
            for number, content in enumerate(points, start=1):
                write_whole(self.path / PLANS / f"{record['key']}-{number}.json.gz", _binary(content))
            if columns is not None:
                write_whole(self.path / COLUMNS / f"{record['key']}.npz", _binary(columns))
            if plan is not None:
                write_whole(self.path / PLANS / f"{record['key']}.json.gz", _binary(plan))
            write_whole(self.path / RECORDS / f"{record['key']}.json", lambda s: s.write(_json(record)))

        self._write(write)

    def _write(self, write: Any) -> None:
        try:
            write()
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> InputError:
        maybe = "free some space and run again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "give another --out"
        what = f"cannot be written to: {error.strerror or error}; what was finished is kept"
        return InputError(Issue(what, file=str(self.path), maybe=f"{maybe}: a run goes on where the last one ended"))

    def _read(self, path: Path, what: str, maybe: str) -> dict[str, Any]:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        if not isinstance(found, dict):
            place = self.path if path.name == MANIFEST else path
            raise InputError(Issue(what, file=str(place), maybe=maybe))
        return found

    def _repr_html_(self) -> str:
        """Return it as notebooks show it."""
        from optimizer.report.as_html import as_html
        from optimizer.report.study_view import render_study

        return as_html(render_study, self)


def _binary(content: bytes) -> Writer:
    return lambda stream: cast("io.TextIOWrapper", stream).buffer.write(content)


def _parquet(table: pd.DataFrame) -> Writer:
    def write(stream: IO[str]) -> None:
        content = io.BytesIO()
        table.to_parquet(content, index=False)
        cast("io.TextIOWrapper", stream).buffer.write(content.getvalue())

    return write


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
