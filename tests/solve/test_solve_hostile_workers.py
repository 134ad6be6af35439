"""Workers that lie, send what is no reply, or are silent: no false plan, no false bound, nothing of theirs is run."""

from __future__ import annotations

import logging
import pickle
import time
from concurrent.futures import Executor, Future
from dataclasses import replace

import helper_hostile as hostile
import numpy as np
import pytest
from helper_hostile import WORKER, Boom, Tampering, on_answers, one_record, started
from helper_programs import EFFORT, knapsacks
from synthetic_estate import estate as synthetic_estate

import domicile
from optimizer.compile import compile_instance
from optimizer.solve import solve_problem
from optimizer.solve.deadline import Watch
from optimizer.solve.decomposition import spot_checks as spot_checks_module
from optimizer.solve.decomposition.chunks import Chunk, release, solve_message
from optimizer.solve.decomposition.replies import MalformedReplyError, RefusedError, Reply, decode, encode_refusal
from optimizer.solve.decomposition.small import Effort, SmallAnswer, SmallProgram, solve_small
from optimizer.solve.decomposition.spot_checks import (
    Finding,
    SpotChecks,
    WrongAnswerError,
    contradiction,
    detection_rate,
    solve_again,
)
from optimizer.solve.decomposition.workers import Again, Round, Sent, Workers
from optimizer.solve.parameters import Parameters
from optimizer.solve.parameters import Workers as Waiting


def of(tamper, rate=1.0, seed=1):
    """Return two workers that tamper with what they reply."""
    return Workers(2, lambda: Tampering(tamper), remote=True, checks=SpotChecks(rate, seed))


def solve(workers, programs, watch=None):
    return workers.solve(iter(programs), len(programs), EFFORT, watch or Watch(120))


# --- what is no reply -----------------------------------------------------------------------------------------------

NO_REPLIES = {
    "nothing": lambda reply, chunk: b"",
    "none": lambda reply, chunk: None,
    "a text": lambda reply, chunk: "x" * len(reply),
    "a list of answers": lambda reply, chunk: [SmallAnswer(None, np.inf, -np.inf)] * len(chunk.programs),
    "an array": lambda reply, chunk: np.frombuffer(reply, dtype=np.uint8),
    "a byte array": lambda reply, chunk: bytearray(reply),
    "another beginning": lambda reply, chunk: b"elicimod" + reply[8:],
    "another kind": lambda reply, chunk: hostile.header_with(kind=2, count=len(chunk.programs)) + reply[13:],
    "one byte less": lambda reply, chunk: reply[:-1],
    "one byte more": lambda reply, chunk: reply + b"\0",
    "one answer less": lambda reply, chunk: hostile.header_with(count=len(chunk.programs) - 1) + reply[13:],
    "a billion answers": lambda reply, chunk: hostile.header_with(count=10**9) + reply[13:],
    "half of it": lambda reply, chunk: reply[: len(reply) // 2],
    "another chunk": lambda reply, chunk: solve_message(release(), pickle.dumps(Chunk((), (), EFFORT))),
    "a pickle": lambda reply, chunk: pickle.dumps([SmallAnswer(None, np.inf, -np.inf)]),
    "a refusal": lambda reply, chunk: encode_refusal("no time"),
}


@pytest.mark.parametrize("name", NO_REPLIES)
def test_what_is_no_reply_counts_as_a_failed_worker(name, caplog):
    """Threads take over, the answers are right, and it is told."""
    programs, known = knapsacks(30)
    workers = of(NO_REPLIES[name], rate=0.0)
    with caplog.at_level(logging.WARNING, logger="optimizer"):
        answers = solve(workers, programs)
    assert [answer.cost_usd for answer in answers] == known
    assert not workers.remote
    assert workers.checks.failed
    assert workers.checks.thrown_out is None
    assert workers.checks.answers == 0
    assert "threads of this process take over" in caplog.text


@pytest.mark.parametrize(
    "fields",
    [
        {"found": 2}, {"found": 255}, {"cost_usd": np.nan}, {"bound_usd": np.nan}, {"found": 1, "cost_usd": np.inf},
        {"found": 1, "x": np.nan}, {"found": 1, "x": np.inf}, {"found": 0, "cost_usd": 1.0},
        {"found": 0, "cost_usd": np.inf, "x": 1.0},
    ],
    ids=str,
)  # fmt: skip
def test_values_that_no_answer_has(fields):
    """Of the right length, with a flag that is none, with what is no number, or contradicting themselves."""
    (program, _), = knapsacks(1)[0]
    with pytest.raises(MalformedReplyError):
        decode(one_record(**fields), [program])


def test_a_right_record_is_read():
    """The layout above with values that an answer may have: what the tests above tell from."""
    (program, _), = knapsacks(1)[0]
    (answer,) = decode(one_record(found=1, cost_usd=-1.0, bound_usd=-2.0, x=np.arange(9.0)), [program])
    assert (answer.cost_usd, answer.bound_usd, answer.x.tolist()) == (-1.0, -2.0, list(range(9)))
    (answer,) = decode(one_record(cost_usd=np.inf, bound_usd=-np.inf), [program])
    assert (answer.x, answer.cost_usd, answer.bound_usd) == (None, np.inf, -np.inf)


def test_code_in_a_reply_is_not_run(tmp_path):
    """A pickle that touches a file when it is read, as bytes and as an object on its way."""
    programs, known = knapsacks(30)
    told = pickle.dumps(Boom(tmp_path / "run"))
    answers = solve(of(lambda reply, chunk: told), programs)
    assert [answer.cost_usd for answer in answers] == known
    assert not list(tmp_path.iterdir())
    pickle.loads(told)
    assert list(tmp_path.iterdir())  # it would have


def test_what_a_worker_says_cannot_steer_the_terminal(caplog):
    """Control characters of a refusal are written out, and it is cut short."""
    workers = of(lambda reply, chunk: encode_refusal("\x1b[2J" + "x" * 10_000))
    with caplog.at_level(logging.WARNING, logger="optimizer"):
        solve(workers, knapsacks(30)[0])
    assert "\x1b" not in workers.checks.failed
    assert r"\x1b[2J" in workers.checks.failed
    assert len(workers.checks.failed) < 600


def test_a_worker_refuses_without_an_exception():
    """An exception would travel as a pickle; what went wrong there comes as a text."""
    with pytest.raises(RefusedError, match="AttributeError"):
        decode(solve_message(release(), pickle.dumps(Chunk(("no program",), (1.0,), EFFORT))), [])
    with pytest.raises(RefusedError, match="UnpicklingError"):
        decode(solve_message(release(), b"no pickle"), [])


def test_silence_ends():
    """Workers that never answer, of a cluster that is there: threads take over after a part of the time left."""
    waiting = Parameters(workers=Waiting(ask_seconds=0.0, tick_seconds=0.01, patience_seconds=0.1))

    class Silent(Executor):
        def submit(self, task, /, *arguments):
            return Future()

    programs, known = knapsacks(30)
    workers = Workers(2, Silent, remote=True, checks=SpotChecks(1.0, 1))
    answers = workers.solve(iter(programs), 30, replace(EFFORT, seconds=0.1), Watch(60, parameters=waiting))
    assert [answer.cost_usd for answer in answers] == known
    assert "nobody answers" in workers.checks.failed


def test_silence_takes_half_of_the_time_left_at_most():
    """Where little time is left, some of it stays for the threads."""
    waiting = Parameters(workers=Waiting(ask_seconds=0.0, tick_seconds=0.01))

    class Silent(Executor):
        def submit(self, task, /, *arguments):
            return Future()

    programs, known = knapsacks(8)
    workers, watch = Workers(2, Silent, remote=True), Watch(6.0, parameters=waiting)
    answers = workers.solve(iter(programs), 8, replace(EFFORT, seconds=0.5), watch)
    assert [answer.cost_usd for answer in answers] == known
    assert 3.0 <= watch.elapsed_seconds() < 6.0


# --- solutions and costs, on arrival --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (hostile.beyond_limits, "breaks the program"), (hostile.in_halves, "breaks the program"),
        (hostile.cheaper, "costs"), (hostile.above_what_is_known, "a solution known costs"),
    ],
)  # fmt: skip
def test_a_wrong_solution_is_seen_when_it_arrives(lie, told):
    """Whatever the rate: nothing has to be solved for it. The worker is named, and nothing of it counts."""
    workers = of(on_answers(lie), rate=0.0)
    with pytest.raises(WrongAnswerError, match=told) as raised:
        solve(workers, started(30)[0])
    assert str(raised.value).startswith(WORKER)
    assert workers.checks.thrown_out == str(raised.value)
    assert (workers.checks.answers, workers.checks.failed) == (0, None)
    assert not workers.remote
    programs, known = started(30)
    assert [answer.cost_usd for answer in solve(workers, programs)] == known


@pytest.mark.parametrize(("by", "seen"), [(1e-4, True), (1e-6, False)])
def test_a_solution_holds_within_highs_tolerance(by, seen):
    """min -x, x <= 1: 1e-6 more is what HiGHS may call a solution, 1e-4 more is none."""
    program = SmallProgram(
        cost=np.array([-1.0]), lower=np.zeros(1), upper=np.full(1, 9.0), integer=np.zeros(1, dtype=bool),
        indptr=np.array([0, 1]), indices=np.zeros(1, dtype=np.int64), data=np.ones(1),
        row_lower=np.full(1, -np.inf), row_upper=np.ones(1),
    )  # fmt: skip
    answer = SmallAnswer(np.array([1.0 + by]), -1.0 - by, -1.0 - by)
    assert (contradiction(program, answer, 1.0) is not None) == seen


# --- bounds, by solving again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", [hostile.known_is_best, hostile.infeasible])
def test_a_wrong_bound_is_seen_at_a_rate_of_1(lie):
    """What no check on arrival tells: nothing better than the solution known, or no solution at all."""
    programs = started(30)[0] if lie is hostile.known_is_best else knapsacks(30)[0]
    workers = of(on_answers(lie))
    with pytest.raises(WrongAnswerError, match="a solution costs"):
        solve(workers, programs)


def test_at_a_rate_of_0_a_wrong_bound_is_believed():
    """What a worker can do: claim that nothing beats what is known. Hence the checks, and that it must be trusted."""
    programs, known = started(30)
    workers = of(on_answers(hostile.known_is_best), rate=0.0)
    answers = solve(workers, programs)
    assert [answer.bound_usd for answer in answers] == [0.0] * 30
    assert max(known) < 0.0
    assert (workers.checks.answers, workers.checks.checked) == (30, 0)


def test_where_nothing_is_known_every_answer_is_checked():
    """At a rate of 0 as well: that there is no solution, and a bound as high as that of a bad one."""
    def worst(program, answer):
        return replace(answer, x=np.zeros(9), cost_usd=0.0, bound_usd=0.0)

    for lie in (hostile.infeasible, worst):
        with pytest.raises(WrongAnswerError):
            solve(of(on_answers(lie), rate=0.0), knapsacks(30)[0])


def hard(seed=3, columns=30):
    """Return a program on which few nodes prove little: three knapsacks at once, with a solution known."""
    draw = np.random.default_rng(seed)
    weight = draw.integers(20, 60, (3, columns)).astype(float)
    return SmallProgram(
        cost=-draw.integers(20, 60, columns).astype(float), lower=np.zeros(columns), upper=np.ones(columns),
        integer=np.ones(columns, dtype=bool), indptr=np.arange(0, 3 * columns + 1, 3),
        indices=np.tile(np.arange(3), columns), data=weight.T.ravel(),
        row_lower=np.full(3, -np.inf), row_upper=np.floor(weight.sum(axis=1) / 2), start=np.zeros(columns),
    )  # fmt: skip


FEW_NODES = Effort(gap=0.0, nodes=1, seconds=20.0)


def test_a_bound_is_not_hidden_where_the_effort_leaves_a_gap():
    """The effort leaves open what is best; a worker that claims its solution to be may be right or wrong, which a
    harder look tells.
    """
    program = hard()
    rough, best = (solve_small(program, effort, scale=1e-3) for effort in (FEW_NODES, EFFORT))
    assert rough.bound_usd < best.bound_usd - 0.5
    assert best.cost_usd < rough.cost_usd - 1.0
    wrong = replace(rough, bound_usd=rough.cost_usd)
    assert contradiction(program, wrong, 1e-3) is None
    finding = solve_again(program, wrong, FEW_NODES, 1e-3)[1]
    assert "a solution costs" in finding.what
    assert finding.is_refuted


def test_a_right_bound_that_is_better_than_ours_is_confirmed():
    """A worker that had more time, or another processor: a harder look confirms it, and its answer stays."""
    program = hard()
    best = solve_small(program, EFFORT, scale=1e-3)
    used, wrong = solve_again(program, best, FEW_NODES, 1e-3)
    assert wrong is None
    assert used.cost_usd == best.cost_usd
    assert used.bound_usd == pytest.approx(best.bound_usd)


def test_what_cannot_be_confirmed_is_wrong(monkeypatch):
    """Where even the harder look proves less, nobody's word is taken."""
    monkeypatch.setattr(spot_checks_module, "DECIDE", FEW_NODES)
    program = hard()
    best = solve_small(program, EFFORT, scale=1e-3)
    finding = solve_again(program, best, FEW_NODES, 1e-3)[1]
    assert "was proven" in finding.what
    assert not finding.is_refuted


@pytest.mark.parametrize("is_refuted", [True, False])
def test_when_the_time_is_up_only_what_is_refuted_is_wrong(is_refuted):
    """What could not be confirmed in time accuses nobody, and is not used; a lie that is proven is one at any time."""
    workers, watch, checked = of(lambda reply, chunk: reply), Watch(120), Future()
    programs = started(1)[0]
    chunk = Chunk(*zip(*programs, strict=True), EFFORT)
    checked.set_result(([solve_small(programs[0][0], EFFORT, scale=1.0)], Finding("it states too much", is_refuted)))
    round_ = Round(again={checked: Again(Sent(0, 0, chunk), WORKER, 1)})
    watch.interrupt()
    if is_refuted:
        with pytest.raises(WrongAnswerError, match="too much"):
            workers._judge_done(round_, watch)
    else:
        workers._judge_done(round_, watch)
        assert workers.checks.thrown_out is None
        assert workers.checks.answers == workers.checks.checked == 0
        assert not round_.found


def test_a_lower_bound_or_a_worse_solution_is_no_lie():
    """A worker that found less has stated nothing false; what is found here is used in its place."""
    (program, scale), = started(1)[0]
    ours = solve_small(program, EFFORT, scale=scale)
    less = SmallAnswer(np.zeros(9), 0.0, ours.bound_usd - 3.0)
    used, wrong = solve_again(program, less, EFFORT, scale)
    assert wrong is None
    assert (used.cost_usd, used.bound_usd) == (ours.cost_usd, ours.bound_usd)


# --- how much is checked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "drawn"), [(0.0, 0), (1.0, 2000)])
def test_none_and_all(rate, drawn):
    assert sum(SpotChecks(rate, 5).is_drawn(number) for number in range(2000)) == drawn


def test_the_seed_decides_who_is_drawn():
    """The same seed draws the same programs, another one others; about the share asked for."""
    first, same, other = ([n for n in range(2000) if SpotChecks(0.1, seed).is_drawn(n)] for seed in (5, 5, 6))
    assert first == same != other
    assert 160 <= len(first) <= 240
    assert SpotChecks().seed != SpotChecks().seed


@pytest.mark.parametrize("wrong", [1, 7, 22])
def test_the_detection_rate_is_what_the_formula_says(wrong):
    """So many wrong answers among 30, at the default rate, under 200 seeds: seen as often as 1 - 0.9^wrong says, within
    three standard deviations.
    """
    programs, _ = started(30)
    numbers = np.random.default_rng(wrong).permutation(30)[:wrong].tolist()
    honest = [solve_small(program, EFFORT, scale=scale) for program, scale in programs]
    liars = [hostile.known_is_best(program, one) if n in numbers else one
             for n, ((program, _), one) in enumerate(zip(programs, honest, strict=True))]  # fmt: skip
    seen, trials = 0, 200

    class Prepared(Executor):
        def __init__(self):
            self.at = 0

        def submit(self, task, /, asked_by, message):
            future = Future()
            own = pickle.loads(message).programs
            future.set_result(Reply(hostile.encode(liars[self.at : self.at + len(own)], own), WORKER))
            self.at += len(own)
            return future

        def shutdown(self, wait=True, *, cancel_futures=False):
            return None

    for seed in range(trials):
        workers = Workers(2, Prepared, remote=True, checks=SpotChecks(seed=seed))
        try:
            solve(workers, programs)
        except WrongAnswerError:
            seen += 1
        workers.close()
    expected = detection_rate(SpotChecks().rate, wrong)
    assert expected == pytest.approx(1 - 0.9**wrong)
    assert abs(seen / trials - expected) <= 3 * np.sqrt(expected * (1 - expected) / trials)


# --- whole solves ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def estate():
    """Return a problem with many integer programs and its optimum, found by HiGHS alone."""
    problem = synthetic_estate(8, regions=8, seed=1, jobs_share=0.2, offer_share=0.5, pool=(60, 120))
    best = solve_problem(problem, gap=5e-4, time_limit_seconds=120, threads=2, method="direct")
    assert best.status.value == "optimal"
    return problem, best


def decomposed(problem, workers):
    return solve_problem(problem, gap=GAP, time_limit_seconds=60, threads=2, method="decompose", workers=workers)


def assert_true(solution, best):
    """A plan that is there costs no less than the optimum, and the bound is no higher."""
    assert solution.objective_usd >= best.bound_usd * (1 - 1e-6)
    assert solution.bound_usd <= best.objective_usd * (1 + 1e-6)
    assert solution.status.value == "optimal"


GAP = 3e-3
LIES = {
    "wrong optimum": on_answers(hostile.known_is_best), "no solution": on_answers(hostile.infeasible),
    "wrong cost": on_answers(hostile.cheaper), "wrong bound": on_answers(hostile.above_what_is_known),
    "not whole": on_answers(hostile.beyond_limits), "wrong type": NO_REPLIES["a text"],
    "wrong length": NO_REPLIES["one byte less"], "code": NO_REPLIES["a pickle"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "honest"), [*((name, 0) for name in LIES), ("wrong optimum", 10), ("code", 10)])
def test_no_lie_makes_a_false_plan_or_bound_at_a_rate_of_1(name, honest, estate):
    """From the first answer on, or once ten honest ones are in use: the plan is as good, and the bound holds."""
    problem, best = estate
    answered = []

    def tamper(reply, chunk):
        answered.extend(chunk.programs)
        return reply if len(answered) <= honest else LIES[name](reply, chunk)

    workers = of(tamper)
    assert_true(decomposed(problem, workers), best)
    assert len(answered) > honest
    assert (workers.checks.failed is None) != (workers.checks.thrown_out is None)


def test_a_bound_that_is_believed_may_be_false(estate):
    """At a rate of 0: what the plan itself contradicts is withdrawn and told, nothing else is noticed."""
    problem, best = estate
    solution = decomposed(problem, of(on_answers(hostile.known_is_best), rate=0.0))
    assert solution.objective_usd >= best.bound_usd * (1 - 1e-6)
    assert solution.bound_usd is None
    assert solution.termination.value == "contradiction"


def test_no_lie_makes_an_infeasibility():
    """At a rate of 0 as well: that nothing beats what is known, and so that no plan obeys all rows, is the workers'
    word; an infeasibility is proven here.
    """
    problem = compile_instance(domicile.load("emerging-markets")).problem
    workers = of(on_answers(hostile.known_is_best), rate=0.0)
    solution = decomposed(problem, workers)
    assert workers.checks.answers > 0
    assert workers.remote
    assert solution.status.value in {"optimal", "feasible"}


def test_one_wrong_answer_throws_out_what_was_believed(estate, monkeypatch):
    """Ten wrong bounds are believed before one is drawn: none of them is in the bound, and nothing counts."""
    problem, best = estate
    workers = of(on_answers(hostile.known_is_best), rate=0.0)
    monkeypatch.setattr(SpotChecks, "is_drawn", lambda checks, number: number >= 10)
    solution = decomposed(problem, workers)
    assert workers.checks.thrown_out is not None
    assert workers.checks.answers == workers.checks.checked == 0
    assert_true(solution, best)


def test_an_honest_cluster_is_never_accused(estate):
    """All answers checked, none found wrong; the counts are told."""
    problem, best = estate
    workers = of(lambda reply, chunk: reply)
    begun = time.monotonic()
    assert_true(decomposed(problem, workers), best)
    assert workers.checks.failed is workers.checks.thrown_out is None
    assert workers.checks.answers == workers.checks.checked > 0
    assert time.monotonic() - begun < 60
