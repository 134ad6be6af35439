"""Pricing on a Dask cluster: the same answers, whoever goes away; what cannot be used is refused in words."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
import threading

import pytest
from helper_programs import assert_same, costs, posix, priced

from optimizer.errors import InputError
from optimizer.solve.decomposition import cluster as cluster_module
from optimizer.solve.decomposition.cluster import connect
from optimizer.solve.decomposition.workers import in_threads, is_address, open_workers


@pytest.fixture(scope="module")
def cluster():
    """Start a cluster of two worker processes with a thread each."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
    ) as started:
        yield started


# --- answers --------------------------------------------------------------------------------------------------------


def test_a_cluster_gives_the_same_answers(cluster):
    """The same bounds and configurations as this thread."""
    with open_workers(cluster.scheduler_address) as workers:
        assert workers.count == 2
        assert_same(priced(workers), priced(in_threads(1)))


@posix
def test_cluster_workers_that_are_killed_lose_nothing():
    """All workers of a cluster gone for good, or the scheduler with them: threads take over."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as started,
        open_workers(started.scheduler_address) as workers,
    ):
        ours, known = costs(workers)
        assert ours == known
        assert workers.apart
        started.close()
        ours, known = costs(workers)
        assert ours == known
        assert not workers.apart


def test_a_cluster_of_another_release_is_refused(monkeypatch, cluster):
    """At once, with the worker and both releases named."""
    monkeypatch.setattr(cluster_module, "release", _other_release)
    with pytest.raises(InputError) as refused:
        connect(cluster.scheduler_address)
    (issue,) = refused.value.issues
    assert issue.where == "workers"
    assert "another release" in issue.what
    assert "same domicile" in issue.maybe


def _other_release():
    return f"domicile 9.9 in process {os.getpid()}"


# --- addresses and connections --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["tcp://host:8786", "tls://a.b.example:1", "tcp://[::1]:8786", "tcp://10.0.0.1:65535"]
)
def test_addresses(address):
    assert is_address(address)


@pytest.mark.parametrize(
    "no_address",
    ["host:8786", "http://host:80", "tcp://host", "tcp://host:0", "tcp://host:65536", "tcp://:1", "", None, 3],
)
def test_no_addresses(no_address):
    assert not is_address(no_address)


def test_a_scheduler_that_is_not_there_is_told(monkeypatch):
    """Within the seconds it is given."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9(?s:.*)\nMaybe start one"):
        connect("tcp://127.0.0.1:9")


def test_what_never_answers_is_given_up(monkeypatch):
    """Something listens that is no scheduler and keeps whoever connects waiting; a late client is closed."""
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(cluster_module, "GRACE_SECONDS", 0.05)
    late, closed = threading.Event(), threading.Event()

    class Client:
        def __init__(self, *arguments, **options):
            late.wait(60)

        def close(self, timeout):
            closed.set()

    with pytest.raises(ConnectionError, match="does not speak"):
        cluster_module._client(Client, "tcp://127.0.0.1:80")
    late.set()
    assert closed.wait(60)


def test_another_protocol_is_told(monkeypatch):
    """A web server, as at the port of a dashboard: told at once, and nothing is printed when the client is let go."""
    pytest.importorskip("distributed")
    heard = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                while connection.recv(4096):
                    pass

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(InputError, match="does not speak Dask's language"):
            connect(f"tcp://127.0.0.1:{server.getsockname()[1]}")
    gc.collect()
    assert not heard


def test_dasks_word_of_a_lost_connection_is_left_out(cluster):
    """One line of ours tells it; the traceback of a reconnection that we end does not reach whoever sees the log."""
    with open_workers(cluster.scheduler_address):
        logger = logging.getLogger("distributed.client")

    def passes(error):
        told = (type(error), error, None)
        return bool(logger.filter(logger.makeRecord(logger.name, logging.ERROR, "", 0, "", (), told)))

    assert not passes(asyncio.CancelledError())
    assert passes(OSError("unreachable"))
    assert logger.filter(logger.makeRecord(logger.name, logging.ERROR, "", 0, "no traceback", (), None))


def test_a_cluster_without_workers_is_told():
    """Work sent to it would wait for ever."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=logging.CRITICAL) as empty,
        pytest.raises(InputError, match=r"has no workers\nMaybe start some with dask worker tcp"),
    ):
        connect(empty.scheduler_address)


def test_without_distributed_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"distributed is not installed\nMaybe install domicile\[cluster\]"):
        connect("tcp://127.0.0.1:8786")
