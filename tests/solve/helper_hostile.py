"""Workers that answer wrongly, in every way that a reply can be wrong."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np
from helper_programs import knapsacks

from optimizer.solve.decomposition.chunks import solve_message
from optimizer.solve.decomposition.replies import HEADER, Reply, decode, encode, record_of

WORKER = "tcp://10.0.0.7:41234"


class Tampering(Executor):
    """Solves what it is asked and tampers with the reply: `tamper(reply, chunk)` returns what is sent instead."""

    def __init__(self, tamper):
        self.tamper, self.sent = tamper, 0

    def submit(self, task, /, asked_by, message):
        future = Future()
        reply = self.tamper(solve_message(asked_by, message), pickle.loads(message))
        self.sent += 1
        future.set_result(Reply(reply, WORKER))
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        return None


def on_answers(change):
    """Return the tampering that changes each answer: `change(program, answer)`."""

    def tamper(reply, chunk):
        answers = decode(reply, chunk.programs)
        return encode([change(*both) for both in zip(chunk.programs, answers, strict=True)], chunk.programs)

    return tamper


def known_is_best(program, answer):
    """Claim that nothing beats the solution that is known: nobody can tell without solving the program."""
    if program.start is None:
        return answer
    cost = float(program.cost @ program.start)
    return replace(answer, x=program.start, cost_usd=cost, bound_usd=cost)


def infeasible(program, answer):
    """Claim that the program has no solution."""
    return replace(answer, x=None, cost_usd=np.inf, bound_usd=np.inf)


def cheaper(program, answer):
    """Claim a cost below that of the solution sent."""
    return replace(answer, cost_usd=answer.cost_usd - 1.0, bound_usd=answer.bound_usd - 1.0)


def beyond_limits(program, answer):
    """Send a solution that costs less and breaks the program."""
    x = program.upper + 1.0
    cost = float(program.cost @ x)
    return replace(answer, x=x, cost_usd=cost, bound_usd=cost)


def in_halves(program, answer):
    """Send a solution that is cheaper for not being whole."""
    x = np.full(program.cost.size, min(program.row_upper[0] / program.cost.size, 1.0))
    cost = float(program.cost @ x)
    return replace(answer, x=x, cost_usd=cost, bound_usd=cost)


def above_what_is_known(program, answer):
    """State a bound above the cost of its own solution."""
    return replace(answer, bound_usd=answer.cost_usd + 0.5)


class Boom:
    """What writes down who reads its pickle, and would do anything else as well."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"echo $PPID >> {self.path}",)


def header_with(magic=b"domicile", kind=0, count=1):
    return HEADER.pack(magic, kind, count)


def one_record(**fields):
    """Return the reply to one knapsack with some fields of its record set."""
    record = np.zeros((), dtype=record_of(9))
    for name, value in fields.items():
        record[name] = value
    return header_with() + record.tobytes()


def started(number):
    """Return knapsacks with a solution known, which is to take nothing; those that hold nothing are left out."""
    programs, known = knapsacks(number + number // 6 + 2)
    chosen = [(replace(program, start=np.zeros(9)), scale) for (program, scale), best in
              zip(programs, known, strict=True) if best < 0][:number]  # fmt: skip
    return chosen, [best for best in known if best < 0][:number]
