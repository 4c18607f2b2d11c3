"""What the tables of docs/scale.md are made of: measured here, and multiplied up to the size of UK Biobank.

    python python/benches/scale.py measure target/ds114    # writes docs/benchmarks/scale.json
    python python/benches/scale.py page                    # the tables, of that file, into docs/scale.md

``python/tests/test_scale.py`` makes the tables again and holds them against the page.
"""

import json
import math
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEASURED, PAGE = ROOT / "docs/benchmarks/scale.json", ROOT / "docs/scale.md"

RUNS = 40_000
SHAPE = (88, 88, 64, 490)
"""A resting run of UK Biobank as it is distributed, int16."""
RUNS_A_SHARD = 40
LEAST_BUDGET_BYTES = 32 << 20
"""That voxstore takes; half of it is for the program itself."""
WORKERS = 200
"""Processes of one thread, as an example of a cluster."""


# What is measured


def job(runs, folder, memory="512MiB"):
    from voxstore._sharded import Job

    return Job.of(runs, folder=folder, memory=memory, threads=1, scratch=None)


def timed(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def on_disk(folder):
    """Bytes and number of files below a folder."""
    sizes = [path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()]
    return sum(sizes), len(sizes)


def rates(runs, folder):
    """One thread, runs of a real shape: parts one by one, and merging them."""
    import voxstore
    from voxstore._sharded import Share

    ours = job(runs, folder)
    part_seconds = sum(timed(ours.part, Share(index, len(runs))) for index in range(len(runs)))
    merge_seconds = timed(ours.merged, [folder])
    shapes = [voxstore.open(path).shape for path in runs]
    state_bytes, files = on_disk(folder)
    return {
        "runs": len(runs),
        "raw_bytes": sum(2 * math.prod(shape) for shape in shapes),
        "stored_bytes": sum(Path(path).stat().st_size for path in runs),
        "cells": sum(math.prod(shape[:3]) for shape in shapes),
        "part_seconds": part_seconds,
        "state_bytes": state_bytes,
        "files": files,
        "merge_seconds": merge_seconds,
    }


def many(runs, folder):
    """Parts of many tiny runs, all through one process: what a run costs beside its voxels."""
    import voxstore
    from voxstore._sharded import Share

    shards = len(runs) // RUNS_A_SHARD
    ours = job(runs, folder)
    part_seconds = sum(timed(ours.part, Share(index, shards)) for index in range(shards))
    merge_seconds = timed(ours.merged, [folder])
    state_bytes, files = on_disk(folder)
    try:
        job(runs, folder, memory=LEAST_BUDGET_BYTES).merged([folder])
        raise AssertionError("so many runs are merged in the least memory there is; take more")
    except voxstore.NotEnoughMemory as error:
        needed = error.needed_bytes
    return {
        "runs": len(runs),
        "part_seconds": part_seconds,
        "state_bytes": state_bytes,
        "files": files,
        "merge_seconds": merge_seconds,
        "merge_needs_bytes": needed,
    }


def planning(run, folder, count):
    """Seconds that the plan of one shard takes, of as many runs; they are links to one file."""
    from voxstore._sharded import Share

    links = []
    for number in range(count):
        link = Path(folder) / f"sub-{number:05}_task-rest_bold.nii.gz"
        if not link.exists():
            link.symlink_to(run)
        links.append(str(link))
    ours = job(links, folder)
    return {"runs": count, "seconds": timed(ours.plan, Share(0, count // RUNS_A_SHARD))}


def tiny_runs(folder, count):
    import nibabel as nib
    import numpy as np

    rng = np.random.default_rng(0)
    head = rng.integers(600, 1200, (32, 32, 16, 1))
    paths = []
    for number in range(count):
        stored = (head + rng.integers(-20, 20, (32, 32, 16, 20))).astype("i2")
        path = Path(folder) / f"sub-{number:05}_task-rest_bold.nii.gz"
        nib.Nifti1Image(stored, np.eye(4)).to_filename(path)
        paths.append(str(path))
    return paths


def measure(folder):
    import voxstore

    runs = sorted(str(path) for path in Path(folder).rglob("*_bold.nii.gz"))
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        made = Path(temporary)
        for name in ("runs", "links", "rates"):
            (made / name).mkdir()
        tiny = tiny_runs(made / "runs", 400)
        measured = {
            "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}",
            "voxstore": voxstore.__version__,
            "rates": rates(runs, str(made / "rates")),
            "many": many(tiny, str(made / "parts")),
            "planning": [planning(tiny[0], made / "links", count) for count in (2_500, 5_000, 10_000)],
        }
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n")


# What follows


def plan(measured):
    """The study, from what was measured; bytes and seconds."""
    rates, many, planning = measured["rates"], measured["many"], measured["planning"]
    cells = math.prod(SHAPE[:3])
    raw = RUNS * 2 * math.prod(SHAPE)
    base = LEAST_BUDGET_BYTES // 2
    # Of the last doubling: twice the runs take 2 ** power as long.
    half, whole = (row["seconds"] for row in planning[-2:])
    power = math.log2(whole / half)
    shards = RUNS // RUNS_A_SHARD
    state = RUNS * cells * rates["state_bytes"] / rates["cells"]
    summing = raw / (rates["raw_bytes"] / rates["part_seconds"])
    return {
        "shards": shards,
        "raw_bytes": raw,
        "read_bytes": raw * rates["stored_bytes"] / rates["raw_bytes"],
        "state_bytes": state,
        "files": RUNS * many["files"] / many["runs"],
        "summing_seconds": summing,
        "part_seconds": summing / shards,
        "merge_seconds": state / (rates["state_bytes"] / rates["merge_seconds"]),
        "merge_needs_bytes": base + (many["merge_needs_bytes"] - base) * RUNS / many["runs"],
        "plan_power": power,
        "plan_seconds": whole * (RUNS / planning[-1]["runs"]) ** power,
    }


def size(count):
    for unit, digits in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= digits:
            return f"{count / digits:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"


def duration(seconds):
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def tables(measured):
    """Both, as they stand in the page."""
    rates, found = measured["rates"], plan(measured)
    many = measured["many"]
    core_hours = found["summing_seconds"] / 3600
    planning = ", ".join(f"{row['seconds']:.2f} s of {row['runs']}" for row in measured["planning"])
    return f"""\
Measured on {measured["machine"]}, one thread, voxstore {measured["voxstore"]}:

| | |
|---|---|
| summing `.nii.gz`, {rates["runs"]} runs of ds000114's shape | {rates["raw_bytes"] / rates["part_seconds"] / 1e6:.0f} MB/s of raw voxels; files are {rates["stored_bytes"] / rates["raw_bytes"]:.0%} of them |
| their states | {rates["state_bytes"] / rates["cells"]:.2f} bytes a voxel and run, in {rates["files"] / rates["runs"]:.0f} files a run |
| merging them | {rates["state_bytes"] / rates["merge_seconds"] / 1e6:.0f} MB/s of states |
| {many["runs"]} runs of 32x32x16, 20 volumes | {1e3 * many["part_seconds"] / many["runs"]:.1f} ms a run for its part, {1e3 * many["merge_seconds"] / many["runs"]:.1f} ms to merge it |
| the least budget that merges these | {size(many["merge_needs_bytes"])}, of which {size(LEAST_BUDGET_BYTES // 2)} are for the program |
| planning a shard | {planning} runs |

Multiplied up to {RUNS} runs of {"x".join(map(str, SHAPE))}, int16:

| | |
|---|---|
| raw voxels | {size(found["raw_bytes"])} |
| read, as `.nii.gz` | {size(found["read_bytes"])}, each file once |
| shards of {RUNS_A_SHARD} runs | {found["shards"]}, of {duration(found["part_seconds"])} each |
| summing | {core_hours:.0f} core hours; {duration(found["summing_seconds"] / WORKERS)} on {WORKERS} workers |
| bytes from the disks then | {size(found["read_bytes"] / (found["summing_seconds"] / WORKERS))} a second |
| states | {size(found["state_bytes"])}, {found["state_bytes"] / found["raw_bytes"]:.2%} of the raw voxels, in {found["files"]:.0f} files |
| merging, in one process of one thread | {duration(found["merge_seconds"])} by bytes |
| least memory of merging, if a run took no more than a small one | {size(found["merge_needs_bytes"])} |
| planning one shard | {duration(found["plan_seconds"])}, if it goes on with the measured power {found["plan_power"]:.1f} of the runs |
| planning all of them | {found["plan_seconds"] * found["shards"] / 3600:.0f} core hours, {found["plan_seconds"] * found["shards"] / found["summing_seconds"]:.1f} times those of summing |
"""


BEGIN, END = "<!-- by python/benches/scale.py -->\n", "<!-- end -->\n"


def page(text, made):
    """The page with its tables replaced."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + made + rest[rest.index(END) :]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure", folder]:
            measure(folder)
        case ["page"]:
            PAGE.write_text(page(PAGE.read_text(), tables(json.loads(MEASURED.read_text()))))
        case _:
            sys.exit(__doc__)
