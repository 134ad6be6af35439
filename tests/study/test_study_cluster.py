"""A study on a real local Dask cluster, one of whose workers is killed in the middle."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from study_toys import COSTS, write

from optimizer.study import StudyFolder, StudyProgress, load_study, run_study, scenario_rows

distributed = pytest.importorskip("distributed")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_workers_that_are_killed_lose_no_scenario(tmp_path: Path):
    """The first one is killed after the first result; every scenario comes to what it costs by hand."""
    killed: list[int] = []
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**local) as cluster:

        def after_one(progress: StudyProgress) -> None:
            if progress.solved_now == 1 and not killed:
                worker = next(iter(cluster.workers.values()))
                killed.append(worker.pid)
                os.kill(worker.pid, signal.SIGKILL)

        state = run_study(
            load_study(write(tmp_path)), StudyFolder(tmp_path / "out"), cluster=cluster.scheduler_address,
            progress=after_one,
        )  # fmt: skip
    assert killed
    assert (state.failed, state.left) == (0, 0)
    rows = scenario_rows(StudyFolder(tmp_path / "out"))
    assert {row["scenario"]: row["objective_usd"] for row in rows if row["objective_usd"] is not None} == pytest.approx(
        {name: cost for name, cost in COSTS.items() if cost is not None}
    )
