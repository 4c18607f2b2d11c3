"""tSNR on one Dask cluster, by dask.array and by voxstore.dask: time and the workers' memory, as a table.

    maturin develop --release --manifest-path python/Cargo.toml
    cargo run --release --example make_runs -- ds114 target/ds114 --nii
    python python/benches/dask_table.py target/ds114 > docs/benchmarks/dask.md

Each measurement has a cluster of its own: worker processes of one thread on loopback, idle until they are timed. Time
is from the call to the map on the client. Memory is the high-water mark of a worker process (VmHWM), the largest of
them. Methods take turns; every map is compared with that of the seed.
"""

import argparse
import os
import platform
import shlex
import statistics
import sys
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import distributed
import nibabel as nib
import numpy as np

import voxstore
import voxstore.dask

MIB = 1 << 20


def seed(client, files, folder):
    """The tutorial's arrays, a run each, of float64."""
    images = [nib.load(path) for path in files]
    whole = [dask.delayed(nib.Nifti1Image.get_fdata)(image) for image in images]
    arrays = [
        da.from_delayed(values, image.shape, float) for values, image in zip(whole, images, strict=True)
    ]
    joined = da.concatenate(arrays, -1)
    return (joined.mean(-1) / joined.std(-1)).compute()


def slabs(client, files, folder):
    """The same of numbers as they are stored, cut into slabs of 16 volumes."""
    arrays = []
    for path in files:
        image = nib.load(path)
        stored = dask.delayed(np.asarray)(image.dataobj)
        whole = da.from_delayed(stored, image.shape, image.get_data_dtype())
        arrays.append(whole.rechunk((*image.shape[:3], 16)))
    joined = da.concatenate(arrays, -1)
    return (joined.mean(-1) / joined.std(-1)).compute()


def mapped(client, files, folder):
    """Slabs of 16 volumes of a plain file, each mapped and read by its own task."""
    arrays = []
    for path in files:
        image = nib.load(path)
        pieces = [
            da.from_delayed(dask.delayed(mapped_slab)(path, start), slab_shape(image, start), float)
            for start in range(0, image.shape[3], 16)
        ]
        arrays.append(da.concatenate(pieces, -1))
    joined = da.concatenate(arrays, -1)
    return (joined.mean(-1) / joined.std(-1)).compute()


def slab_shape(image, start):
    return (*image.shape[:3], min(16, image.shape[3] - start))


def mapped_slab(path, start):
    return nib.load(path).dataobj[..., start : start + 16]


def parts(client, files, folder):
    return voxstore.dask.tsnr(client, files, folder=folder, memory="64MiB", shards=len(files)).map


def alone(client, files, folder):
    """Without a cluster, for comparison."""
    return voxstore.tsnr(files, memory="64MiB", threads=2).map


METHODS = {
    "dask.array, the seed": seed,
    "dask.array, slabs as stored": slabs,
    "dask.array, slabs read apart": mapped,
    "voxstore.dask": parts,
}


def high_water():
    """Of this process, in bytes; and below it the libraries that both sides need are counted, too."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def measured(method, files, workers):
    """The map, seconds, peak of the largest worker, and what an idle one had."""
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
            resources={"MEM": 256 * MIB},
        ) as cluster,
        distributed.Client(cluster) as client,
        tempfile.TemporaryDirectory(dir=Path(files[0]).parent) as folder,
    ):  # fmt: skip
        client.run(warm)
        idle = max(client.run(high_water).values())
        start = time.perf_counter()
        made = method(client, files, folder)
        seconds = time.perf_counter() - start
        return made, seconds, max(client.run(high_water).values()), idle


def warm():
    """Imports are no part of the work."""
    import dask.array  # noqa: F401
    import nibabel  # noqa: F401

    import voxstore.dask  # noqa: F401


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("runs", type=Path, help="folder with runs as .nii and .nii.gz")
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    rows = []
    for suffix in (".nii.gz", ".nii"):
        files = sorted(str(path) for path in asked.runs.rglob(f"*_bold{suffix}"))
        # Slabs of a stream cost all before them: nobody would cut it so.
        methods = {name: m for name, m in METHODS.items() if m is not mapped or suffix == ".nii"}
        wanted = alone(None, files, None)
        found = {name: [] for name in methods}
        for _ in range(asked.rounds):
            for name, method in methods.items():
                made, *figures = measured(method, files, asked.workers)
                # The head, where tSNR is no quotient of noise; voxstore has 0 where nothing changes.
                inside = wanted > 0
                np.testing.assert_allclose(made[inside], wanted[inside], rtol=1e-9)
                if method is parts:
                    assert made.tobytes() == wanted.tobytes(), "not the bits of one machine"
                found[name].append(figures)
                print(suffix, name, figures, file=sys.stderr, flush=True)
        ours = statistics.median(seconds for seconds, _, _ in found["voxstore.dask"])
        rows.append(f"| **five runs as `{suffix}`** | | | |")
        for name, list_of_figures in found.items():
            seconds, peak, idle = (statistics.median(column) for column in zip(*list_of_figures, strict=True))
            spread = [figures[0] for figures in list_of_figures]
            rows.append(
                f"| {name} | {seconds:.2f} [{min(spread):.2f}-{max(spread):.2f}] s | {seconds / ours:.1f} | "
                f"{peak / MIB:.0f} ({(peak - idle) / MIB:.0f}) |"
            )
    print(PAGE.format(
        command=" ".join(["python", "python/benches/dask_table.py", "target/ds114", *map(shlex.quote, sys.argv[2:])]),
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}",
        versions=f"voxstore {voxstore.__version__}, dask {dask.__version__}, distributed {distributed.__version__}, "
        f"nibabel {nib.__version__}, numpy {np.__version__}",
        workers=asked.workers, rounds=asked.rounds, rows="\n".join(rows),
    ))  # fmt: skip


PAGE = """# voxstore on a Dask cluster beside dask.array

tSNR of five runs of ds000114's shape (made ones), joined, on the same cluster from the same files. Written by:

```sh
maturin develop --release --manifest-path python/Cargo.toml
cargo run --release --example make_runs -- ds114 target/ds114 --nii
{command} > docs/benchmarks/dask.md
```

- machine: {machine}
- versions: {versions}
- cluster: {workers} worker processes of one thread on loopback, a new one for each of {rounds} rounds; the page cache warm

Time is from the call to the map on the client: median [least-most]. The ratio is to voxstore's: above 1, voxstore is
faster. Memory is the high-water mark of the largest worker, and in brackets what it is above that of an idle
worker which has imported both. Maps agree to 1e-9; voxstore's has the bits that it has on one machine.

| method | it takes | ratio | peak MiB of a worker (above idle) |
|---|---:|---:|---:|
{rows}
"""

if __name__ == "__main__":
    main()
