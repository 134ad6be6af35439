"""The strategies a solve may run, and which of them each method runs in turn.

A strategy minimises the model of a state, or leaves it to the next one. What it needs is imported when it runs: most
solves need one of them.
"""

from __future__ import annotations

from typing import Protocol

from optimizer.methods import Method
from optimizer.solve.highs.call import Run
from optimizer.solve.highs.fine_scale import run_whole
from optimizer.solve.special.location.linking_rows import has_many
from optimizer.solve.state import State


class Strategy(Protocol):
    """One way to minimise a model."""

    name: str

    def applies(self, state: State) -> bool:
        """Whether the model has what the strategy makes use of."""

    def run(self, state: State) -> Run | None:
        """Minimise the model; None where that is left to the next strategy."""


class Branch:
    """HiGHS on the whole model, and nothing else."""

    name = "direct"

    def applies(self, state: State) -> bool:
        """Always."""
        return True

    def run(self, state: State) -> Run | None:
        """Branch and cut."""
        with state.deadline.phase_of("solve"):
            return run_whole(
                state.matrix, state.deadline, gap=state.gap, threads=state.threads, start=state.start
            )


class Location:
    """Many rows that tie things to regions in use: rows added where broken, Benders cuts, local search over sets."""

    name = "location"

    def applies(self, state: State) -> bool:
        """Where there are a thousand such rows: fewer cost HiGHS nothing."""
        return has_many(state.matrix)

    def run(self, state: State) -> Run | None:
        """Solve the relaxation by lazy rows, and what follows from it."""
        from optimizer.solve.special.location.lazy_rows import run_linked

        with state.deadline.phase_of("solve"):
            return run_linked(
                state.matrix, state.deadline, gap=state.gap, threads=state.threads, start=state.start
            )


class Kernels:
    """One choice settles most of a workload: implied variables out, then packings, kernels, and HiGHS on the rest."""

    name = "kernel"

    def applies(self, state: State) -> bool:
        """Always: where nothing is settled, kernels of the whole model are solved."""
        return True

    def run(self, state: State) -> Run | None:
        """Search kernels."""
        from optimizer.solve.special.assignment.kernels import kernel_search

        return kernel_search(
            state.matrix, state.deadline, gap=state.gap, threads=state.threads, start=state.start
        )


class Decompose:
    """Column generation over configurations of workloads, neighbourhoods, branch and price, HiGHS where it is small."""

    name = "decompose"

    def applies(self, state: State) -> bool:
        """Always."""
        return True

    def run(self, state: State) -> Run | None:
        """Decompose; None where a workload has no place of its own, which only the whole model can settle."""
        from optimizer.solve.decomposition.decompose import decompose_and_improve

        return decompose_and_improve(
            state.matrix, state.problem, state.deadline, gap=state.gap, threads=state.threads, workers=state.workers,
            start=state.start, begins_rough=state.begins_rough,
        )  # fmt: skip


METHODS: dict[Method, tuple[Strategy, ...]] = {
    "direct": (Branch(),),
    "location": (Location(), Branch()),
    "kernel": (Kernels(),),
    "decompose": (Decompose(), Location(), Branch()),
}
"""What each method runs, until one of them settles the model; `auto` chooses among them (`auto`)."""
