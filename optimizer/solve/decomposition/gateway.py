"""The process between a solve and a Dask cluster: nothing that comes from the cluster is run in either.

Dask's protocol carries pickles: of results, of exceptions, and of whatever a scheduler puts into a message. Reading a
pickle can run anything. So Dask's client lives in a process of its own, in which a hook of the interpreter refuses
every function and class that a pickle names; what is left are plain values. Towards the solve go frames of bytes.

This module and `chunks` are all of domicile that the process imports.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import pickle
import signal
import struct
import sys
import threading
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

from optimizer.solve.decomposition.child_process import end_without
from optimizer.solve.decomposition.chunks import release, solve_message

if TYPE_CHECKING:
    from distributed import Client

FRAME = struct.Struct("<BQQ")
"""Kind, number of the task, length of what follows."""
TASK, CANCEL, STARTED, CONTACT, CONNECTED, UNREACHABLE, UNANSWERED, REPLY, FAILED, LOST = range(10)
RELEASE = struct.Struct("<H")
"""Length of the release that begins a task."""
CONNECT_SECONDS, ANSWER_SECONDS, LOOK_EVERY_SECONDS = 5.0, 10.0, 5.0
LOOKS = 2
"""How often in a row there may be no worker until the cluster counts as lost."""
MOST_DATA_BYTES = 4 * 2**30
"""Memory of the process: what a worker compressed may unpack to far more than it sent."""
NO_DASK = "what is there does not speak Dask's language"
LONGEST_TEXT = 500
PLAIN = {"bytes": bytes, "bytearray": bytearray}
"""What a pickle may name in `builtins`: a result of bytes comes with its type."""


class NotReadError(Exception):
    """Stands for what a pickle would make of something that it names."""

    named = "what was sent"

    def __str__(self) -> str:
        return f"{self.named}{self.args}"

    __repr__ = __str__

    def __setstate__(self, state: object) -> None:
        """Take nothing over."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return the type of a plain value, and for every other name a class whose instances stand for it.

        A traceback is left out: Dask knows what to do without one, and would break off on anything else in its place.
        """
        if name == "unpickle_traceback":
            return _nothing
        plain = PLAIN.get(name) if module == "builtins" else None
        return plain or type("NotReadError", (NotReadError,), {"named": f"{module}.{name}"})


def _nothing(*_arguments: object) -> None:
    return None


def read_plain(pickled: Any, *, buffers: Iterable[Any] = ()) -> Any:
    """Return the plain value in a pickle; what is not plain in it is a NotReadError."""
    try:
        return _PlainUnpickler(io.BytesIO(pickled), buffers=buffers or None).load()
    except Exception as error:
        return NotReadError(text_of(error))


def refuse_code() -> None:
    """Have Dask read plain values alone, and the interpreter refuse what a pickle names wherever else one is read.

    Cannot be undone: for a process of its own.
    """
    from distributed.protocol import pickle as of_dask

    of_dask.loads = read_plain
    sys.addaudithook(_refuse_names)


def _refuse_names(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "pickle.find_class":
        raise pickle.UnpicklingError(f"a pickle names {arguments[0]}.{arguments[1]}")


def limit_memory() -> None:
    """Let this process have no more than `MOST_DATA_BYTES`, where the system can limit it."""
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    least = MOST_DATA_BYTES if most == resource.RLIM_INFINITY else min(most, MOST_DATA_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (least, most))


def write_frame(sink: IO[bytes], kind: int, number: int, content: bytes) -> None:
    """Write a frame."""
    sink.write(FRAME.pack(kind, number, len(content)) + content)
    sink.flush()


def read_frame(source: IO[bytes], most_bytes: float) -> tuple[int, int, bytes]:
    """Return kind, number and content of the next frame.

    Raises EOFError where there is none, ValueError where it is longer than `most_bytes`.
    """
    kind, number, length = FRAME.unpack(_exactly(source, FRAME.size))
    if length > most_bytes:
        raise ValueError(f"a reply of {length} bytes is longer than the {most_bytes:.0f} that are read")
    return kind, number, _exactly(source, length)


def _exactly(source: IO[bytes], length: int) -> bytes:
    content = source.read(length)
    if len(content) < length:
        raise EOFError
    return content


def text_of(error: object) -> str:
    """Return what an error says, in so many characters at most."""
    return (str(error) or type(error).__name__)[:LONGEST_TEXT]


def main(address: str, parent: int) -> None:
    """Be the gateway to the cluster at an address until stdin ends, the cluster is lost or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_without, args=(parent,), name="parent", daemon=True).start()
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the frames
    import distributed  # noqa: F401  (before the hook: loading modules is nobody's word but ours)

    limit_memory()
    refuse_code()
    try:
        asyncio.run(_Gateway(source, sink).serve(address))
    finally:
        os._exit(0)  # neither the thread that reads stdin nor Dask's own ends by itself


class _Gateway:
    """Hands tasks from stdin to a cluster and what comes back to stdout."""

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self._running: dict[int, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()

    async def serve(self, address: str) -> None:
        """Connect, tell who is there, and serve until stdin ends or the cluster is lost."""
        from distributed import Client

        self._tell(STARTED)
        try:
            client = await Client(
                address, asynchronous=True, timeout=CONNECT_SECONDS, set_as_default=False, direct_to_workers=False
            )
        except MemoryError:  # it takes the first bytes of another protocol for a length
            self._tell(UNREACHABLE, NO_DASK)
            return
        except Exception as error:  # sockets, TLS, another protocol, another version: all of them about this address
            self._tell(UNREACHABLE, text_of(error))
            return
        self._tell(CONTACT)
        try:
            threads = await asyncio.wait_for(client.nthreads(), ANSWER_SECONDS)
            releases = await asyncio.wait_for(client.run(release, on_error="return"), ANSWER_SECONDS)
        except Exception as error:
            self._tell(UNANSWERED, text_of(error))
            return
        found = {worker: text if isinstance(text, str) else f"none ({text_of(text)})"
                 for worker, text in releases.items()}  # fmt: skip
        self._tell(CONNECTED, json.dumps({"threads": dict(threads), "releases": found}))
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop, client), name="stdin", daemon=True).start()
        look = asyncio.create_task(self._look(client))
        await self._ended.wait()
        look.cancel()

    def _tell(self, kind: int, content: str | bytes = b"", number: int = 0) -> None:
        write_frame(self._sink, kind, number, content.encode(errors="replace") if isinstance(content, str) else content)

    def _listen(self, loop: asyncio.AbstractEventLoop, client: Client) -> None:
        try:
            while True:
                kind, number, content = read_frame(self._source, float("inf"))
                loop.call_soon_threadsafe(self._do, client, kind, number, content)
        except (EOFError, OSError):
            loop.call_soon_threadsafe(self._ended.set)

    def _do(self, client: Client, kind: int, number: int, content: bytes) -> None:
        if kind == TASK:
            task = asyncio.create_task(self._solve(client, number, content))
            self._running[number] = task
            task.add_done_callback(lambda _: self._running.pop(number, None))
        elif number in self._running:
            self._running[number].cancel()

    async def _solve(self, client: Client, number: int, content: bytes) -> None:
        """Have a task solved by a worker, and hand on what comes back with the name of the worker."""
        (length,) = RELEASE.unpack_from(content)
        asked_by, message = content[RELEASE.size :][:length].decode(), content[RELEASE.size + length :]
        future = client.submit(solve_message, asked_by, message, pure=False)
        try:
            reply = await future
            who = await client.who_has([future])
            if not isinstance(reply, bytes):
                self._tell(FAILED, f"the reply is {type(reply).__name__}, not bytes", number)
                return
            name = ", ".join(str(worker) for workers in who.values() for worker in workers)[:LONGEST_TEXT].encode()
            self._tell(REPLY, RELEASE.pack(len(name)) + name + reply, number)
        except Exception as error:
            self._tell(FAILED, text_of(error), number)
        finally:
            future.release()

    async def _look(self, client: Client) -> None:
        """Tell when the scheduler or all its workers are gone."""
        without = 0
        while without < LOOKS:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            without = 0 if await _is_there(client) else without + 1
        self._tell(LOST, "the scheduler or all its workers are gone")
        self._ended.set()


async def _is_there(client: Client) -> bool:
    """Whether the client is connected, and there are workers."""
    listening = getattr(client, "_handle_report_task", None)  # ends where Dask cannot read what it was sent
    if client.status != "running" or (listening is not None and listening.done()):
        return False
    try:
        return bool(await asyncio.wait_for(client.nthreads(), ANSWER_SECONDS))
    except Exception:
        return False
