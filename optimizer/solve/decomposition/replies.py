"""What a worker sends back: numbers in a fixed layout, never objects that would have to be unpickled.

A reply is a header (magic, kind, count) and then, little-endian and without gaps, one record for each program of the
chunk: found (1 byte, 0 or 1), cost (float64), bound (float64) and the values of its columns (float64 each). Who asked
knows the programs, so the only length that can be right is known before anything is read. A worker that gives no
answers says why in a short text instead.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optimizer.solve.decomposition.small import SmallAnswer, SmallProgram

HEADER = struct.Struct("<8sBI")
MAGIC, ANSWERS, REFUSAL = b"domicile", 0, 1
LONGEST_REFUSAL = 500
"""Most bytes of a text that are sent, and read."""


class Reply(NamedTuple):
    """What came back from a cluster, and the worker that the scheduler says it is from."""

    content: bytes
    by: str


class MalformedReplyError(Exception):
    """What came back is no reply to what was asked."""


class RefusedError(Exception):
    """A worker gave no answers, and says why."""


def record_of(columns: int) -> np.dtype[np.void]:
    """Return the layout of the answer to a program of so many columns."""
    return np.dtype([("found", "u1"), ("cost_usd", "<f8"), ("bound_usd", "<f8"), ("x", "<f8", (columns,))])


def encode(answers: Sequence[SmallAnswer], programs: Sequence[SmallProgram]) -> bytes:
    """Return the reply that holds the answers to programs; values that were not found are 0."""
    parts = [HEADER.pack(MAGIC, ANSWERS, len(answers))]
    for answer, program in zip(answers, programs, strict=True):
        record = np.zeros((), dtype=record_of(program.cost.size))
        record["found"] = answer.x is not None
        record["cost_usd"], record["bound_usd"] = answer.cost_usd, answer.bound_usd
        if answer.x is not None:
            record["x"] = answer.x
        parts.append(record.tobytes())
    return b"".join(parts)


def encode_refusal(why: str) -> bytes:
    """Return the reply of a worker that gives no answers."""
    return HEADER.pack(MAGIC, REFUSAL, 0) + why.encode(errors="replace")[:LONGEST_REFUSAL]


def decode(reply: object, programs: Sequence[SmallProgram]) -> list[SmallAnswer]:
    """Return the answers in a reply, one for each of the programs asked.

    Nothing of what is in a reply is run or imported. Raises RefusedError with what the worker says, MalformedReplyError
    where type, header, length or a value is none that an answer has.
    """
    if type(reply) is not bytes:
        raise MalformedReplyError(f"the reply is {type(reply).__name__}, not bytes")
    if len(reply) < HEADER.size:
        raise MalformedReplyError(f"the reply has {len(reply)} bytes, fewer than its header")
    magic, kind, count = HEADER.unpack_from(reply)
    if magic != MAGIC or kind not in (ANSWERS, REFUSAL):
        raise MalformedReplyError(f"the reply begins with {reply[: HEADER.size].hex()}, which is no header")
    if kind == REFUSAL:
        raise RefusedError(reply[HEADER.size :][:LONGEST_REFUSAL].decode(errors="replace"))
    records = [record_of(program.cost.size) for program in programs]
    right = HEADER.size + sum(record.itemsize for record in records)
    if count != len(programs) or len(reply) != right:
        raise MalformedReplyError(
            f"the reply has {count} answers in {len(reply)} bytes; {len(programs)} in {right} bytes were asked for"
        )
    answers, at = [], HEADER.size
    for record in records:
        answers.append(_answer(np.frombuffer(reply, record, 1, at)[0]))
        at += record.itemsize
    return answers


def _answer(record: np.void) -> SmallAnswer:
    """Return the answer of a record; raises MalformedReplyError where its values are none of an answer."""
    found, x = int(record["found"]), np.array(record["x"], dtype=np.float64)
    cost_usd, bound_usd = float(record["cost_usd"]), float(record["bound_usd"])
    if found not in (0, 1) or np.isnan(cost_usd) or np.isnan(bound_usd):
        raise MalformedReplyError(f"an answer has found {found}, cost {cost_usd} and bound {bound_usd}")
    if found and not (np.isfinite(cost_usd) and np.isfinite(x).all()):
        raise MalformedReplyError("an answer has values that are no numbers")
    if not found and (cost_usd != np.inf or x.any()):
        raise MalformedReplyError(f"an answer without values has cost {cost_usd} or values beside it")
    return SmallAnswer(x if found else None, cost_usd, bound_usd)
