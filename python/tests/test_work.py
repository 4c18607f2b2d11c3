"""Work beside Python: memory, threads, the lock, forks, Ctrl-C and progress."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from conftest import same

import voxstore


def python(code, **variables):
    """Runs code in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, env={**os.environ, **variables}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_larger_than_the_budget_is_reduced_within_it(large):
    """The peak beyond what the process had before is below the budget, which is a fifth of the file."""
    path, mean, std = large
    said = python(
        """
        import os, numpy, voxstore
        def peak():
            lines = open("/proc/self/status").read().splitlines()
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
        run = voxstore.open(os.environ["RUN"])
        voxstore.zeros(3).sum().compute()
        before = peak()
        mean, std = voxstore.compute(run.mean(-1), run.std(-1), memory="32MiB")
        print(run.nbytes, peak() - before)
        numpy.save(os.environ["OUT"], [mean, std])
        """,
        RUN=path,
        OUT=path + ".npy",
    )
    nbytes, used = map(int, said.split())
    assert nbytes > 5 * (32 << 20) and 1 << 20 < used < 32 << 20, f"{used >> 20} MiB"
    made = np.load(path + ".npy")
    same(made[0], mean)
    same(made[1], std)


def test_python_runs_on_while_voxels_are_read(large):
    """The lock is given back: another thread counts meanwhile."""
    run, count, ended = voxstore.open(large[0]), [0], threading.Event()

    def counts():
        while not ended.is_set():
            count[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=counts)
    thread.start()
    try:
        before = count[0]
        run.median(-1).compute(threads=1)
        assert count[0] - before > 10
    finally:
        ended.set()
        thread.join()


def test_several_threads_compute_at_once(run, truth):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        for made in pool.map(lambda volume: np.asarray(run[..., volume].max()), range(20)):
            assert made <= truth.max()


def _maximum(run):
    return int(run.max())


def test_forked_processes_compute_what_their_parent_opened_and_computed(large):
    run = voxstore.open(large[0])
    halves = [run[..., :400], run[..., 400:]]
    expected = [_maximum(half) for half in halves]

    with multiprocessing.get_context("fork").Pool(2, initializer=_inherit, initargs=(halves,)) as pool:
        assert pool.map_async(_maximum_of_half, [0, 1, 0, 1]).get(timeout=60) == expected * 2


_halves = []


def _inherit(halves):
    _halves[:] = halves


def _maximum_of_half(index):
    return _maximum(_halves[index])


def test_a_process_forked_during_work_computes_too(large):
    run = voxstore.open(large[0])
    working = threading.Thread(target=lambda: run.median(-1).compute())
    working.start()
    time.sleep(0.05)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(writer, str(_maximum(run)).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    deadline = time.monotonic() + 60
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            pytest.fail("the forked process hangs")
        time.sleep(0.01)
    working.join()
    assert int(os.read(reader, 64)) == _maximum(run)


INTERRUPTED = """
import os, signal, sys, threading, time, voxstore
# What a shell starts in the background inherits that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
run = voxstore.open(os.environ["RUN"])
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
begun = time.monotonic()
try:
    while True:
        {work}
except KeyboardInterrupt:
    print("stopped", time.monotonic() - begun < 20)
print(int(run[..., :3].max()) > 0)
"""


@pytest.mark.parametrize(
    "work", ["run.median(-1).compute()", "voxstore.ingest(run, os.environ['OUT'], force=True, codec='zstd')"]
)
def test_ctrl_c_stops_the_work_and_leaves_nothing_half_done(work, large, tmp_path):
    out = tmp_path / "study.zarr"
    said = python(INTERRUPTED.format(work=work), RUN=large[0], OUT=str(out))
    assert said.split() == ["stopped", "True", "True"]
    assert not list(tmp_path.glob("*.staging"))
    if out.exists():  # whole, or not there
        for name, run in voxstore.open(out).items():
            assert run.shape == (64, 64, 30, 800), name


def test_progress_is_told_and_may_stop_the_work(large):
    run, told = voxstore.open(large[0]), []
    run.median(-1).compute(progress=lambda *state: told.append(state))
    what, done, total = told[-1]
    assert what == "computing" and 0 < done <= total == run.nbytes
    assert [state[1] for state in told] == sorted(state[1] for state in told)

    def enough(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run.median(-1).compute(progress=enough)


def test_progress_as_a_line(run, capsys):
    run.max().compute(progress=True)
    assert "computing" in capsys.readouterr().err


def test_a_listener_is_needed_by_nobody(run, capsys):
    run.max().compute()
    assert capsys.readouterr() == ("", "")
