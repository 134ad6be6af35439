"""Pricing on a Dask cluster (extra `cluster`): connecting, and refusing workers of another release.

What travels are pickled chunks of small programs and their answers; nothing else of an instance leaves this process.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from optimizer.errors import InputError, Issue
from optimizer.solve.decomposition.chunks import release
from optimizer.solve.decomposition.workers import Workers

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS, GRACE_SECONDS, ANSWER_SECONDS, CLOSE_SECONDS = 5.0, 1.0, 10.0, 3.0
NO_DASK = "what is there does not speak Dask's language"
log = logging.getLogger(__name__)


def connect(address: str) -> Workers:
    """Return the workers of the cluster whose scheduler has this address, one for each of their threads.

    Raises InputError when `distributed` is missing, the scheduler or its workers cannot be reached within some seconds,
    there are no workers, or one of them is not of the release that is solving.
    """
    try:
        import distributed
    except ImportError as error:
        raise _refusal(
            "is the address of a cluster, and distributed is not installed", "install domicile[cluster]"
        ) from error
    try:
        client = _client(_quiet(distributed.Client), address)
    except ConnectionError as error:
        raise _refusal(
            f"no Dask scheduler answers at {address} within {CONNECT_SECONDS:.0f} s ({error})",
            f"start one with dask scheduler, and workers with dask worker {address}",
        ) from error
    try:
        count = _checked(client, address)
    except BaseException:
        _close(client)
        raise
    logging.getLogger("distributed.client").addFilter(_is_news)
    workers = Workers(count, lambda: _Cluster(client), apart=True, is_lost=lambda: _is_lost(client))
    workers.open()
    return workers


def _quiet(client: type[Client]) -> type[Client]:
    """Return the class of a client that is closed by us alone.

    Dask's own would, when the garbage collector comes to one that never got its connection, wait for ten seconds and
    print a traceback.
    """

    class Quiet(client):  # type: ignore[misc, valid-type]
        def __del__(self) -> None:
            return

    return Quiet


def _client(make: type[Client], address: str) -> Client:
    """Return a client that has reached its scheduler.

    Made in a thread of its own: what answers at the address need not be Dask, and then neither the connection nor what
    is left of it ends by itself. Raises ConnectionError.
    """
    outcome: Future[Client] = Future()

    def work() -> None:
        client, failure = None, ""
        try:
            client = make(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except MemoryError:  # it takes the first bytes of another protocol for a length
            failure = NO_DASK
        except Exception as error:  # sockets, TLS, another protocol, another version: all of them about this address
            failure = str(error) or type(error).__name__
        is_awaited = outcome.set_running_or_notify_cancel()
        if client is None:
            if is_awaited:
                outcome.set_exception(ConnectionError(failure))
        elif is_awaited:
            outcome.set_result(client)
        else:
            _close(client)

    threading.Thread(target=work, name="connect-cluster", daemon=True).start()
    try:
        return outcome.result(CONNECT_SECONDS + GRACE_SECONDS)
    except TimeoutError as error:
        if outcome.cancel():
            raise ConnectionError(NO_DASK) from error
        return outcome.result()


def _checked(client: Client, address: str) -> int:
    """Return how many threads the workers have, after asking each of them for its release."""
    try:
        threads = client.nthreads(callback_timeout=ANSWER_SECONDS)
        releases = client.run(release, on_error="return", callback_timeout=ANSWER_SECONDS)
    except Exception as error:
        raise _refusal(
            f"the workers of the cluster at {address} do not answer ({error or type(error).__name__})",
            "look at the cluster's dashboard, or leave the cluster out",
        ) from error
    if not threads:
        raise _refusal(f"the cluster at {address} has no workers", f"start some with dask worker {address}")
    for worker, found in sorted(releases.items()):
        if found != release():
            has = found if isinstance(found, str) else f"none ({type(found).__name__}: {found})"
            raise _refusal(
                f"worker {worker} of the cluster has another release: {has} instead of {release()}",
                "install the same domicile and highspy on all workers",
            )
    count = sum(threads.values())
    log.info("cluster at %s: %d workers with %d threads", address, len(threads), count)
    return count


def _refusal(what: str, maybe: str) -> InputError:
    return InputError(Issue(what, where="workers", maybe=maybe))


class _Cluster(Executor):
    """The executor of a client, closed with it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)

    def submit(self, task: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run a function on a worker."""
        if self._client.status != "running":
            raise ConnectionError("the scheduler is gone")
        return self._executor.submit(task, *arguments, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; what is under way there is cancelled."""
        _close(self._client)


def _close(client: Client) -> None:
    """Close in the background: a scheduler that is gone must not keep the solve from going on."""
    def close() -> None:
        try:
            client.close(timeout=CLOSE_SECONDS)
        except Exception as error:
            log.info("closing the connection to the cluster: %s", error)

    threading.Thread(target=close, name="close-cluster", daemon=True).start()


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a log record of Dask's client tells more than that it was closed while it tried to connect again.

    A scheduler that is gone is told by us, in a line instead of a traceback.
    """
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


def _is_lost(client: Client) -> bool:
    """Whether the scheduler or all its workers are gone."""
    try:
        return client.status != "running" or not client.nthreads(callback_timeout=ANSWER_SECONDS)
    except Exception:
        return True
