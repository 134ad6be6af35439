"""Pricing on a Dask cluster: the same answers, whoever goes away; what cannot be used is refused in words; nothing that
comes from the cluster is run here.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner
from helper_hostile import Boom
from helper_programs import assert_same, costs, posix, priced

import domicile
from domicile.cli import main
from optimizer import bundled
from optimizer.errors import InputError
from optimizer.solve.decomposition import cluster as cluster_module
from optimizer.solve.decomposition.cluster import Gateway, connect
from optimizer.solve.decomposition.spot_checks import SpotChecks
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
        gateway = workers.open()
        assert workers.count == 2
        assert_same(priced(workers), priced(in_threads(1)))
        assert workers.remote
        assert workers.checks.answers >= workers.checks.checked > 0
    assert gateway._process.poll() is not None


def test_a_cluster_leaves_dask_out_of_the_process_that_solves(cluster):
    """Its client, and all that it reads, are in another one."""
    program = (
        "import sys; from optimizer.solve.decomposition.workers import open_workers; "
        f"workers = open_workers({cluster.scheduler_address!r}); assert workers.count == 2; "
        "print('distributed' in sys.modules, 'dask' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=bundled.PATH.parent
    )
    assert done.stdout.split() == ["False", "False"]


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
        assert workers.remote
        started.close()
        ours, known = costs(workers)
        assert ours == known
        assert not workers.remote


def test_a_cluster_of_another_release_is_refused(monkeypatch, cluster):
    """At once, with the worker and both releases named."""
    monkeypatch.setattr(cluster_module, "release", _other_release)
    with pytest.raises(InputError) as refused:
        connect(cluster.scheduler_address, SpotChecks())
    (issue,) = refused.value.issues
    assert issue.where == "workers"
    assert "another release" in issue.what
    assert "same domicile" in issue.maybe


@pytest.mark.parametrize("count", ["two", None, 0, 1.5])
def test_a_worker_without_a_number_of_threads_is_refused(count):
    """The scheduler passes on what a worker says of itself."""
    with pytest.raises(InputError, match="without a number of threads"):
        cluster_module._checked({"threads": {"tcp://10.0.0.7:1": count}, "releases": {}}, "tcp://10.0.0.1:8786")


def _other_release():
    return f"domicile 9.9 in process {os.getpid()}"


ESTATE = bundled.PATH / "emerging-markets.yaml"


def test_a_plan_tells_what_a_cluster_answered(cluster, tmp_path):
    """On the command line, with all answers checked: counts, rate and seed in the file, on screen and in the audit."""
    plan_file = tmp_path / "plan.json"
    runner = CliRunner()
    done = runner.invoke(main, [
        "solve", str(ESTATE), "--method", "decompose", "--gap", "0.01", "--workers", cluster.scheduler_address,
        "--check-rate", "1", "--check-seed", "7", "--output", str(plan_file),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(plan_file.read_text())["cluster"]
    assert told["answers"] == told["checked"] > 0
    assert (told["rate"], told["seed"], told["failed"], told["thrown_out"]) == (1.0, 7, None, None)
    assert f"{told['answers']} answers" in done.output
    assert "seed 7" in done.output
    audited = runner.invoke(main, ["audit", str(ESTATE), "--plan", str(plan_file)])
    assert audited.exit_code == 0, audited.output


def test_a_solve_without_a_cluster_tells_nothing_of_one():
    """Threads of this process are not checked by anyone."""
    plan = domicile.solve(domicile.load("quickstart"), check_rate=1.0)
    assert plan.cluster is None


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


def test_a_scheduler_that_is_not_there_is_told():
    """Within the seconds it is given."""
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9(?s:.*)\nMaybe start one"):
        connect("tcp://127.0.0.1:9", SpotChecks())


def test_what_never_answers_is_given_up():
    """Something listens that is no scheduler and keeps whoever connects waiting."""
    pytest.importorskip("distributed")
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(InputError, match="no Dask scheduler answers"):
        connect(f"tcp://127.0.0.1:{server.getsockname()[1]}", SpotChecks())
    assert time.monotonic() - begun < cluster_module.START_SECONDS


def test_a_gateway_that_says_nothing_is_given_up(monkeypatch):
    """Its start is waited for, and not for ever."""
    monkeypatch.setattr(cluster_module, "START", "import time; time.sleep(600)")
    monkeypatch.setattr(cluster_module, "START_SECONDS", 0.2)
    gateway = Gateway("tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        gateway.connect()
    gateway.shutdown()
    assert gateway._process.poll() is not None


def test_another_protocol_is_told():
    """A web server, as at the port of a dashboard."""
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                while connection.recv(4096):
                    pass

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(InputError, match="does not speak Dask's language"):
            connect(f"tcp://127.0.0.1:{server.getsockname()[1]}", SpotChecks())


def test_a_cluster_without_workers_is_told():
    """Work sent to it would wait for ever."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=logging.CRITICAL) as empty,
        pytest.raises(InputError, match=r"has no workers\nMaybe start some with dask worker tcp"),
    ):
        connect(empty.scheduler_address, SpotChecks())


def test_without_distributed_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"distributed is not installed\nMaybe install domicile\[cluster\]"):
        connect("tcp://127.0.0.1:8786", SpotChecks())


# --- workers and schedulers that send code --------------------------------------------------------------------------


class CarriesBoom(Exception):
    """An exception whose pickle runs something when it is read."""

    def __init__(self, path):
        super().__init__("an exception with code")
        self.path = path

    def __reduce__(self):
        return Boom(self.path).__reduce__()


def answer_with(kind, path):
    """Have the worker that runs this answer every message with code, as its result or by an exception."""
    from optimizer.solve.decomposition import chunks

    def evil(asked_by, message):
        if kind == "exception":
            raise CarriesBoom(path)
        return Boom(path) if kind == "result" else pickle.dumps(Boom(path))

    chunks.solve_message = evil


@posix
@pytest.mark.parametrize("kind", ["result", "exception", "bytes"])
def test_code_from_a_worker_of_a_cluster_is_not_run(kind, tmp_path):
    """What a worker returns or raises runs something where it is unpickled: neither here nor in the gateway.

    Workers do read the exceptions that they send. Threads take over.
    """
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as started,
        started.get_client() as client,
    ):
        client.run(answer_with, kind, str(tmp_path / "run"))
        own = set(client.run(os.getpid).values())
        with open_workers(started.scheduler_address) as workers:
            gateway = workers.open()
            begun = time.monotonic()
            ours, known = costs(workers)
        assert ours == known
        assert not workers.remote
        assert workers.checks.failed
        assert time.monotonic() - begun < 60
    readers = {int(line) for path in tmp_path.iterdir() for line in path.read_text().split()}
    assert not readers & {os.getpid(), gateway._process.pid}
    assert readers <= own


READS = """\
import io, os, pickle, sys
import distributed
from distributed.protocol import dumps, loads, to_serialize
from distributed.protocol.serialize import ToPickle
from optimizer.solve.decomposition.gateway import NotReadError, read_plain, refuse_code

class Boom:
    def __reduce__(self):
        return os.system, ("touch " + sys.argv[1],)

told = pickle.dumps(Boom())
frames = [dumps({"message": wrap(Boom())}) for wrap in (ToPickle, to_serialize)]
refuse_code()
for read in (pickle.loads, pickle._loads, lambda text: pickle.load(io.BytesIO(text)),
             lambda text: pickle.Unpickler(io.BytesIO(text)).load()):
    try:
        read(told)
    except pickle.UnpicklingError as error:
        assert "a pickle names posix.system" in str(error), error
    else:
        raise AssertionError("it was read")
for one in frames:
    assert isinstance(loads(one)["message"], NotReadError)
for plain in (b"bytes", bytearray(b"more"), "text", {"a": [1, 2.5, None, (True,)]}):
    assert repr(read_plain(pickle.dumps(plain))) == repr(plain)
for other in (ValueError("no such thing"), Boom(), os.getcwd, Ellipsis):
    found = read_plain(pickle.dumps(other))
    assert issubclass(found if isinstance(found, type) else type(found), NotReadError)
assert "no such thing" in str(read_plain(pickle.dumps(ValueError("no such thing"))))
assert isinstance(read_plain(b"no pickle"), NotReadError)
print("done")
"""


@posix
def test_the_gateway_reads_plain_values_alone(tmp_path):
    """Whatever part of Dask's protocol a pickle comes in, and whoever reads it; a scheduler may send any of them."""
    pytest.importorskip("distributed")
    done = subprocess.run(
        [sys.executable, "-c", READS, str(tmp_path / "run")], capture_output=True, text=True, check=False,
        cwd=bundled.PATH.parent,
    )  # fmt: skip
    assert done.stdout.split() == ["done"], done.stderr
    assert not list(tmp_path.iterdir())


def test_too_long_a_reply_is_not_read(cluster, monkeypatch):
    """Longer than any there is: the gateway is left before it is taken in."""
    monkeypatch.setattr(cluster_module, "MOST_REPLY_BYTES", 256)
    with open_workers(cluster.scheduler_address) as workers:
        ours, known = costs(workers, 400)
        assert ours == known
        assert "longer than the 256 that are read" in workers.checks.failed


@posix
def test_a_gateway_that_is_killed_loses_nothing(cluster):
    """Threads take over; the next solve has a gateway of its own."""
    with open_workers(cluster.scheduler_address) as workers:
        gateway = workers.open()
        gateway._process.send_signal(signal.SIGKILL)
        ours, known = costs(workers)
        assert ours == known
        assert not workers.remote
    with open_workers(cluster.scheduler_address) as workers:
        assert costs(workers)[0] == known
        assert workers.remote


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    """Return a self-signed certificate and its key, made with openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=domicile-test",
         "-out", str(paths[0]), "-keyout", str(paths[1])],
        check=True, capture_output=True,
    )  # fmt: skip
    return tuple(map(str, paths))


def test_a_scheduler_behind_tls(certificate, monkeypatch):
    """With the certificates in Dask's settings, as documented, it is a cluster like any other; without, it is told."""
    distributed = pytest.importorskip("distributed")
    own, key = certificate
    roles = {f"tls_{role}_{part}": path for role in ("scheduler", "worker", "client")
             for part, path in (("cert", own), ("key", key))}  # fmt: skip
    security = distributed.Security(require_encryption=True, tls_ca_file=own, **roles)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL,
        security=security, protocol="tls://",
    ) as started:  # fmt: skip
        address = started.scheduler_address
        assert address.startswith("tls://")
        with pytest.raises(InputError, match=f"no Dask scheduler answers at {address}"):
            connect(address, SpotChecks())
        for name, path in (("CA_FILE", own), ("CLIENT__CERT", own), ("CLIENT__KEY", key)):
            monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", path)
        with open_workers(address) as workers:
            ours, known = costs(workers)
            assert ours == known
            assert workers.remote
