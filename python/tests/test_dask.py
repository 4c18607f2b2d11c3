"""tSNR on a cluster: real worker processes on loopback, one of which is killed."""

import os
import pickle
import re
import shutil
import signal
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from conftest import FMRI1, FMRI2, ROOT

import voxstore
import voxstore.dask
from voxstore._sharded import Job

distributed = pytest.importorskip("distributed")

MEMORY = 64 << 20
RUNS = 6


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of 13 MB in int16, plain and compressed in turn."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(3)
    head = rng.integers(600, 1200, (40, 40, 20, 1))
    paths = []
    for number in range(RUNS):
        stored = (head + rng.integers(-20, 20, (40, 40, 20, 200))).astype("i2")
        path = folder / f"sub-01_task-x_run-{number}_bold.nii{'.gz' if number % 2 else ''}"
        nib.Nifti1Image(stored, np.diag([2.0, 2.0, 2.0, 1.0])).to_filename(path)
        paths.append(str(path))
    return paths


def cluster_of(workers, threads, **resources):
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        processes=True,
        host="127.0.0.1",
        dashboard_address=":0",
        resources=resources,
    )


@pytest.fixture(scope="module")
def client():
    """Of two processes with one thread each."""
    with cluster_of(2, 1, MEM=MEMORY) as cluster, distributed.Client(cluster) as client:
        yield client


def same_result(ours, local):
    np.testing.assert_array_equal(ours.map, local.map, strict=True)
    assert [m.tobytes() for m in ours.run_maps] == [m.tobytes() for m in local.run_maps]
    names = ("median", "run_medians", "pooled_median", "concatenated_median", "warnings")
    for name in names:
        assert getattr(ours, name) == getattr(local, name), name


@pytest.mark.parametrize("shards", [None, 1, 4, 9])
def test_a_cluster_gives_the_bits_of_one_machine(client, runs, tmp_path, shards):
    ours = voxstore.dask.tsnr(client, runs, folder=tmp_path, memory=MEMORY, shards=shards)
    same_result(ours, voxstore.tsnr(runs))
    assert ours.map.flags.aligned and ours.map.flags.writeable
    ours.to_nifti(tmp_path / "map.nii.gz")
    assert nib.load(tmp_path / "map.nii.gz").shape == (40, 40, 20)


def test_definitions_and_stores_go_along(client, runs, tmp_path):
    asked = {"across": "per-run", "detrend": 1, "ddof": "model", "mask": "auto", "dummy_scans": "auto"}
    ours = voxstore.dask.tsnr(client, runs, folder=tmp_path / "a", memory=MEMORY, **asked)
    same_result(ours, voxstore.tsnr(runs, **asked))
    voxstore.ingest(runs[:2], tmp_path / "study.zarr")
    store = voxstore.open(tmp_path / "study.zarr")
    ours = voxstore.dask.tsnr(client, store, folder=tmp_path / "b", memory=MEMORY, shards=3)
    same_result(ours, voxstore.tsnr(store))


def doom_the_first(flag):
    """Of all workers, the one that is first to make a part is killed at it, without a word."""
    make = Job.part

    def part(job, share):
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return make(job, share)
        os.kill(os.getpid(), signal.SIGKILL)

    Job.part = part


def test_a_worker_killed_in_mid_job_costs_its_tasks_only(client, runs, tmp_path):
    before = client.run(os.getpid)
    client.run(doom_the_first, str(tmp_path / "killed"))
    ours = voxstore.dask.tsnr(client, runs, folder=tmp_path / "parts", memory=MEMORY, shards=RUNS)
    assert sum(not Path(f"/proc/{pid}").exists() for pid in before.values()) == 1
    same_result(ours, voxstore.tsnr(runs))
    assert len(list((tmp_path / "parts").glob("tsnr.part-*"))) == RUNS


def test_what_was_made_before_an_interruption_is_not_made_again(client, runs, tmp_path):
    def ask():
        return voxstore.dask.tsnr(client, runs, folder=tmp_path, memory=MEMORY, shards=RUNS)

    def times():
        return {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("tsnr.part-*")}

    first, before = ask(), times()
    lost = "tsnr.part-00002-of-00006.zarr"
    shutil.rmtree(tmp_path / lost)
    same_result(ask(), first)
    after = times()
    assert after.pop(lost) != before.pop(lost)
    assert after == before


def count_parts_at_once():
    make, now = Job.part, []
    Job.most = 0

    def part(job, share):
        now.append(share)
        Job.most = max(Job.most, len(now))
        time.sleep(0.2)
        now.pop()
        return make(job, share)

    Job.part = part


@pytest.mark.parametrize("room", [1, 2])
def test_no_more_tasks_run_beside_each_other_than_fit(runs, tmp_path, room):
    """A worker of four threads with memory for one part, or two, makes one at a time, or two."""
    peak_bytes = max(plan.peak_bytes for plan in job(runs, tmp_path).plans(RUNS))
    memory = room * peak_bytes
    with cluster_of(1, 4, MEM=memory) as cluster, distributed.Client(cluster) as client:
        client.run(count_parts_at_once)
        voxstore.dask.tsnr(client, runs, folder=tmp_path, memory=peak_bytes, shards=RUNS)
        (most,) = client.run(lambda: Job.most).values()
    assert most == room


def job(runs, folder):
    return Job.of(runs, folder=folder, memory=MEMORY, threads=1, scratch=None)


def test_a_plan_says_what_a_part_takes(runs, tmp_path):
    plans = job(runs, tmp_path).plans(RUNS)
    assert [plan.read_bytes for plan in plans] == RUNS * [40 * 40 * 20 * 200 * 2]
    assert all(0 < plan.peak_bytes <= plan.budget_bytes == MEMORY for plan in plans)
    # There are as many units as runs, or more where a run is not a stream: none is in a part without any.
    many = job(runs[1:2], tmp_path).plans(5)
    assert [plan.share.index for plan in many] == [2]
    # What is read to find dummy volumes is in no plan: all of the budget is held.
    looking = Job.of(runs, folder=tmp_path, memory=MEMORY, threads=1, scratch=None, dummy_scans="auto")
    assert {plan.peak_bytes for plan in looking.plans(2)} == {MEMORY}


def test_workers_that_do_not_say_what_they_have_are_not_waited_for(runs, tmp_path):
    with cluster_of(1, 1) as cluster, distributed.Client(cluster) as client:
        with pytest.raises(voxstore.NotEnoughMemory, match="dask worker --resources MEM=67108864") as raised:
            voxstore.dask.tsnr(client, runs, folder=tmp_path, memory=MEMORY)
    assert raised.value.needed_bytes == MEMORY


def test_an_error_is_the_one_of_one_machine(client, runs, tmp_path):
    whole = Path(runs[1]).read_bytes()
    cut = tmp_path / "sub-01_task-x_run-9_bold.nii.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(voxstore.DamagedSource) as local:
        voxstore.tsnr([runs[0], cut])
    with pytest.raises(voxstore.DamagedSource) as ours:
        voxstore.dask.tsnr(client, [runs[0], cut], folder=tmp_path / "parts", memory=MEMORY, shards=2)
    assert str(ours.value) == str(local.value)


def test_other_parts_at_the_place_are_refused(client, runs, tmp_path):
    voxstore.dask.tsnr(client, runs, folder=tmp_path, memory=MEMORY, shards=2)
    with pytest.raises(voxstore.AlreadyExists, match="part of another job"):
        voxstore.dask.tsnr(client, runs, folder=tmp_path, memory=MEMORY, shards=2, detrend=1)


def raises(name):
    error = getattr(voxstore, name)("what went wrong")
    error.needed_bytes = 12
    raise error


def test_every_exception_arrives_from_a_worker_as_it_was_raised(client):
    kinds = [kind for kind in vars(voxstore.errors).values() if isinstance(kind, type)]
    assert len(kinds) == 9
    for kind in kinds:
        got = client.submit(raises, kind.__name__, pure=False).exception()
        assert (type(got), str(got), got.needed_bytes) == (kind, "what went wrong", 12)
        # Without Dask, too, such as between processes of multiprocessing.
        assert type(pickle.loads(pickle.dumps(got))) is kind


def test_the_page_on_scale_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    shutil.copy(FMRI1, tmp_path)
    shutil.copy(FMRI2, tmp_path)
    monkeypatch.chdir(tmp_path)
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/scale.md").read_text(), re.DOTALL)
    exec(compile(source, "docs/scale.md", "exec"), {})
    assert capsys.readouterr().out.split() == re.findall(r"^print.*# (\S+)$", source, re.MULTILINE)
    assert nib.load("tsnr.nii.gz").shape == (10, 10, 18)
