"""Ctrl-C in a library call: whatever the main thread is doing, what is held comes back, and it is said why."""

from __future__ import annotations

import importlib
import signal
import threading
from contextlib import contextmanager

import pytest
from helper_choices import assignment
from synthetic_estate import estate

from optimizer.solve import SolutionStatus, Termination, solve_problem
from optimizer.solve.deadline import Watch, ctrl_c_calls
from optimizer.solve.parameters import Decomposition as Parts
from optimizer.solve.parameters import Kernels, Parameters

ESTATE = estate(12, regions=8, seed=3, pool=(60, 120), devices=(10.0, 60.0), carbon_limit_kg=6e4)
CHOICES = assignment(3, jobs=False, workloads=12)
REACHED = 0.1
"""A gap that is reached, so that the solve ends before its time is up."""


@pytest.fixture(autouse=True)
def pythons_own_handler():
    """Whatever runs these tests, Ctrl-C raises KeyboardInterrupt before and after."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


class Pressed:
    """Presses Ctrl-C once, and remembers the best plan told of until then (USD)."""

    def __init__(self, monkeypatch):
        self.done, self.held_usd, self._known = False, None, None
        note = Watch.note

        def noted(watch, incumbent_usd=None, bound_usd=None):
            note(watch, incumbent_usd, bound_usd)
            self._known = watch.incumbent_usd

        monkeypatch.setattr(Watch, "note", noted)

    def press(self):
        if not self.done:
            self.done, self.held_usd = True, self._known
            signal.raise_signal(signal.SIGINT)


def at_phase(monkeypatch, pressed, name, side):
    """Press on the way into a phase or out of it, the first time."""
    old = Watch.phase_of

    @contextmanager
    def phase_of(watch, phase):
        if (phase, side) == (name, "before"):
            pressed.press()
        with old(watch, phase):
            yield
        if (phase, side) == (name, "after"):
            pressed.press()

    monkeypatch.setattr(Watch, "phase_of", phase_of)


def at_function(monkeypatch, pressed, module, name):
    """Press when a function is called, the first time."""
    home = importlib.import_module(f"optimizer.solve.{module}")
    old = getattr(home, name)

    def wrapped(*arguments, **options):
        pressed.press()
        return old(*arguments, **options)

    monkeypatch.setattr(home, name, wrapped)


def assert_kept(problem, method, pressed, gap=0.0, branch_to=0):
    """The solve comes back by itself, with a plan at least as good as the one held when Ctrl-C was pressed."""
    try:
        solution = solve_problem(
            problem, gap=gap, method=method, time_limit_seconds=60, threads=1,
            parameters=Parameters(decomposition=Parts(branch_to_integers=branch_to), kernels=Kernels(0, 0)),
        )  # fmt: skip
    except KeyboardInterrupt:  # which would end the test run
        pytest.fail("what was held is lost")
    assert pressed.done
    if solution.termination is not Termination.GAP_REACHED:
        assert solution.termination is Termination.INTERRUPTED
    if pressed.held_usd is None:
        assert solution.status in (SolutionStatus.NO_PLAN, SolutionStatus.FEASIBLE, SolutionStatus.OPTIMAL)
    else:
        assert solution.values
        assert solution.objective_usd <= pressed.held_usd * (1 + 1e-9)


DECOMPOSED = [
    *((name, side) for name in ("build", "cut", "columns", "put_together", "tighten") for side in ("before", "after")),
    ("improve", "before"),
    ("branch", "before"),
    ("branch", "after"),
    ("polish", "before"),
    ("polish", "after"),
]


@pytest.mark.parametrize(("name", "side"), DECOMPOSED)
def test_between_the_phases_of_the_decomposition(monkeypatch, name, side):
    pressed = Pressed(monkeypatch)
    at_phase(monkeypatch, pressed, name, side)
    assert_kept(ESTATE, "decompose", pressed, gap=REACHED if name == "polish" else 0.0)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("decomposition.lagrangian", "find_blocks"),
        ("decomposition.decompose", "_relaxed"),
        ("decomposition.decompose", "take_over"),
        ("decomposition.closing", "rank_options"),
        ("decomposition.decompose", "held"),
        ("decomposition.decompose", "beside_highs"),
        ("driver", "to_solution"),
    ],
)
def test_where_no_phase_of_the_decomposition_runs(monkeypatch, module, name):
    pressed = Pressed(monkeypatch)
    most = 10**9 if name == "beside_highs" else 0
    at_function(monkeypatch, pressed, module, name)
    assert_kept(ESTATE, "decompose", pressed, gap=REACHED if name == "to_solution" else 0.0, branch_to=most)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("name", ["build", "substitute", "relax", "kernel", "solve", "polish"])
def test_between_the_phases_of_the_kernel_search(monkeypatch, name, side):
    pressed = Pressed(monkeypatch)
    at_phase(monkeypatch, pressed, name, side)
    assert_kept(CHOICES, "kernel", pressed)


def test_nothing_is_held_yet(monkeypatch):
    """Stopped while the model is built: no plan, interrupted; nothing is raised."""
    pressed = Pressed(monkeypatch)
    at_phase(monkeypatch, pressed, "build", "before")
    solution = solve_problem(ESTATE, method="decompose", threads=1)
    assert (solution.status, solution.termination) == (SolutionStatus.NO_PLAN, Termination.INTERRUPTED)


def test_the_second_ctrl_c_is_raised():
    stopped = []
    with ctrl_c_calls(lambda: stopped.append(1)):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stopped == [1]


def test_a_handler_of_the_embedding_program_stays():
    """So does everything when the call is not in the main thread."""
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    with ctrl_c_calls(lambda: pytest.fail("not ours")):
        signal.raise_signal(signal.SIGINT)
    assert heard == [1]
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def elsewhere():
        with ctrl_c_calls(lambda: None):
            heard.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert heard[-1] is signal.default_int_handler
