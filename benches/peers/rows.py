"""The rows of the table: a job, what voxstore runs for it, and what people run today.

In a command, `{out}` is a folder that is empty before and removed after; a check holds what was left
there against numpy. A floor is the ratio that was asked for before anything was measured.
"""

import dataclasses
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from data import Runs
from tools import CHECK, METHODS, OURS, VOXSTORE, niimath, python

Words = list[str | Path]

PLACES = 20
CUBED_MEMORY = "128MB"  # of each of two tasks at a time
SLOW_ROUNDS = 2
ZSCORE_MIB = 256
GROUP_MIB = 320  # what `.ci/full` gives a job of 256: pages of files that are written count, too


@dataclasses.dataclass(frozen=True)
class Peer:
    """What people use today, or a hand-written program around a library that they have."""

    name: str
    command: Words
    check: Words = dataclasses.field(default_factory=list)
    floor: float | None = None
    memory_floor: float | None = None
    slow: bool = False  # two rounds are enough
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Row:
    """A job, and what does it."""

    key: str
    title: str
    inputs: list[Path]
    ours: Words
    peers: list[Peer]
    check: Words = dataclasses.field(default_factory=list)
    budget_mib: int | None = None  # of voxstore
    group_mib: int | None = None  # of both, enforced
    inside: bool = False  # the process tells its seconds
    quoted: tuple[str, float, float] | None = None  # who, seconds, peak MiB


def method(name: str, *args: str | Path) -> Words:
    """A program of `methods/`."""
    return [python(), METHODS / f"{name}.py", *args]


def map_check(runs: Runs, name: str, relative: float, divided_by_n_minus_1: int = 0) -> Words:
    """Holds a map against numpy's."""
    count = [str(divided_by_n_minus_1)] if divided_by_n_minus_1 else []
    return [python(), CHECK, "tsnr", runs.reference, f"{{out}}/{name}", f"{relative:g}", *count]


def store_check(runs: Runs) -> Words:
    """Holds a store against its sources."""
    return [python(), CHECK, "store", "{out}/study.zarr", *runs.nii]


def tsnr(runs: Runs, inputs: Iterable[Path], program: Path = VOXSTORE) -> Words:
    """voxstore's command for a map."""
    memory = f"{runs.memory_mib}MiB"
    options: Words = ["-o", "{out}/map.nii", "--memory", memory, "--threads", "2", "--quiet"]
    return [program, "tsnr", *inputs, *options]


def by_python(
    runs: Runs, name: str, words: Words, floor: float | None = None, **more: object
) -> Peer:
    """A peer in Python that leaves `map.npy` with sums in float64, or float32 within a block."""
    return Peer(name, words, map_check(runs, "map.npy", 1e-6), floor, **more)


def by_niimath(runs: Runs, source: Path, floor: float | None) -> Peer:
    """niimath's three commands. It works in float32 and divides by N - 1."""
    steps = (
        '"$0" "$1" -Tmean "$2/mean" && "$0" "$1" -Tstd "$2/std" && '
        '"$0" "$2/mean" -div "$2/std" "$2/map"'
    )
    command: Words = ["sh", "-c", steps, niimath(), source, "{out}"]
    settings = {"FSLOUTPUTTYPE": "NIFTI", "OMP_NUM_THREADS": "2"}
    check = map_check(runs, "map.nii", 1e-5, divided_by_n_minus_1=volumes(runs))
    return Peer("niimath", command, check, floor, slow=True, environment=settings)


def volumes(runs: Runs) -> int:
    """Volumes of all runs together."""
    return sum(shape(array)[0] for array in runs.arrays)


def shape(array: Path) -> list[int]:
    """Extents of a stored run, (t, z, y, x)."""
    return json.loads((array / "zarr.json").read_text())["shape"]


def tsnr_five_gz(runs: Runs) -> Row:
    seed = [
        by_python(
            runs,
            f"the seed, {way}",
            method("seed", way, "{out}/map.npy", *runs.gz),
            7,
            memory_floor=20,
        )
        for way in ("eager", "delayed", "dask")
    ]
    nipype = method("nipype_tsnr", "{out}/map.nii", *runs.gz)
    isal = method("numpy_stream", "isal", "{out}/map.npy", *runs.gz)
    dask = method("dask_runs", "{out}/map.npy", *runs.gz)
    return Row(
        f"tsnr-gz-{runs.key}",
        f"tSNR from five `.nii.gz`, {runs.title}",
        runs.gz,
        tsnr(runs, runs.gz),
        [
            by_python(runs, "numpy + ISA-L, 2 threads", isal, 1.8),
            *seed,
            by_python(runs, "dask, slabs of int16", dask, 7),
            Peer("nipype", nipype, map_check(runs, "map.nii", 2e-3)),
        ],
        map_check(runs, "map.nii", 1e-6),
        runs.memory_mib,
        quoted=("AFNI 3dTstat", 1.70, 185),
    )


def tsnr_one_gz(runs: Runs) -> Row:
    large = runs.key == "hcp"  # what the floors are for
    return Row(
        f"tsnr-gz-{runs.key}",
        f"tSNR from one `.nii.gz`, {runs.title}",
        runs.gz,
        tsnr(runs, runs.gz),
        [
            *streams(runs, 1.05 if large else None),
            by_niimath(runs, runs.gz[0], 6 if large else None),
        ],
        map_check(runs, "map.nii", 1e-6),
        runs.memory_mib,
        quoted=("AFNI 3dTstat", 15.31, 1792) if large else None,
    )


def tsnr_one_gz_fast(runs: Runs, program: Path) -> Row:
    return Row(
        f"tsnr-gz-fast-{runs.key}",
        f"the same, with a faster inflater behind a feature, {runs.title}",
        runs.gz,
        tsnr(runs, runs.gz, program),
        streams(runs, 1.3 if runs.key == "hcp" else None),
        map_check(runs, "map.nii", 1e-6),
        runs.memory_mib,
    )


def streams(runs: Runs, floor: float | None) -> list[Peer]:
    """numpy over one stream, by the libraries that inflate fastest."""
    peers = [
        ("rapidgzip", "numpy + rapidgzip", floor),
        ("isal", "numpy + ISA-L", None),
        ("isal-threaded", "numpy + ISA-L in its own thread", None),
    ]
    return [
        by_python(runs, name, method("numpy_stream", inflater, "{out}/map.npy", *runs.gz), floor)
        for inflater, name, floor in peers
    ]


def tsnr_nii(runs: Runs) -> Row:
    memmap = method("numpy_memmap", "{out}/map.npy", *runs.nii)
    stream = method("numpy_stream", "none", "{out}/map.npy", *runs.nii)
    peers = [
        by_python(runs, "numpy memmap slabs", memmap, 4),
        by_python(runs, "numpy, read volumes", stream),
    ]
    if len(runs.nii) == 1:  # it joins no runs
        peers.append(by_niimath(runs, runs.nii[0], 40))
    quoted = {"ds114": ("AFNI 3dTstat", 0.69, 185), "hcp": ("AFNI 3dTstat", 5.40, 1792)}
    return Row(
        f"tsnr-nii-{runs.key}",
        f"tSNR from `.nii`, {runs.title}",
        runs.nii,
        tsnr(runs, runs.nii),
        peers,
        map_check(runs, "map.nii", 1e-6),
        runs.memory_mib,
        quoted=quoted.get(runs.key),
    )


def ingest(runs: Runs, files: list[Path], peers: list[tuple[str, str, str, float | None]]) -> Row:
    kind = "nii" if files == runs.nii else "gz"
    count = "one" if len(files) == 1 else "five"
    options: Words = ["--memory", f"{runs.memory_mib}MiB", "--threads", "2", "--quiet"]
    programs = [
        Peer(
            name,
            method("ingest", way, "{out}/study.zarr", runs.store, inflater, *files),
            store_check(runs),
            floor,
        )
        for name, way, inflater, floor in peers
    ]
    return Row(
        f"ingest-{kind}-{runs.key}",
        f"ingest of {count} `.{'nii.gz' if kind == 'gz' else 'nii'}`, {runs.title}",
        files,
        [VOXSTORE, "ingest", *files, "-o", "{out}/study.zarr", *options],
        programs,
        store_check(runs),
        runs.memory_mib,
    )


def ingest_gz(runs: Runs) -> Row:
    peers = [
        ("tensorstore + zlib-ng", "tensorstore", "zlib-ng", 1.3),
        ("the same, synced", "tensorstore-synced", "zlib-ng", None),
        ("tensorstore + ISA-L", "tensorstore", "isal", None),
    ]
    if len(runs.gz) == 1:
        threaded = ("tensorstore + zlib-ng in its own thread", "tensorstore", "zlib-ng-threaded", 1.3)
        peers.insert(2, threaded)
    else:
        peers.append(("dask to_zarr", "dask", "nibabel", 3))
    return ingest(runs, runs.gz, peers)


def ingest_nii(runs: Runs) -> Row:
    peers = [
        ("tensorstore", "tensorstore", "none", 1.3),
        ("the same, synced", "tensorstore-synced", "none", None),
        ("dask to_zarr", "dask", "nibabel", 3),
    ]
    return ingest(runs, runs.nii, peers)


def tsnr_store(runs: Runs) -> Row:
    def peer(way: str, name: str, floor: float, *allowed: str, slow: bool = False) -> Peer:
        words = method("tsnr_store", way, "{out}/map.npy", runs.store, *allowed)
        return by_python(runs, name, words, floor, slow=slow)

    return Row(
        f"tsnr-store-{runs.key}",
        f"tSNR from the store, {runs.title}",
        [runs.store],
        tsnr(runs, [runs.store]),
        [
            peer("tensorstore", "tensorstore + numpy", 2),
            peer("dask", "dask", 6),
            peer("xarray", "xarray", 6),
            peer("cubed", "cubed", 25, "1GB", slow=True),
        ],
        map_check(runs, "map.nii", 1e-6),
        runs.memory_mib,
    )


def access(runs: Runs, kind: str, what: str) -> Row:
    number = runs.longest
    array, gz = runs.arrays[number], runs.gz[number]
    t, z, y, x = shape(array)
    chance = random.Random(1)
    places: Words = [
        ",".join(str(chance.randrange(extent - 3)) for extent in (x, y, z, t)) for _ in range(PLACES)
    ]
    some = places[: 3 if t * z * y * x < 10**8 else 1]  # each inflates the run up to its last volume
    run = array.parent.relative_to(runs.store)
    nibabel = method("access", "nibabel", kind, gz, *some)
    return Row(
        f"{kind}-{runs.key}",
        f"{what} from the store, {runs.title}",
        [array, gz],
        [OURS, kind, runs.store, run, *places],
        [
            Peer("tensorstore", method("access", "tensorstore", kind, array, *places), floor=1),
            Peer("nibabel on `.nii.gz`", nibabel, floor=50, slow=True),
            Peer("the same, indexed_gzip", [*nibabel, "--indexed-gzip"], slow=True),
        ],
        inside=True,
    )


def zscore(runs: Runs) -> Row:
    memory = f"{ZSCORE_MIB}MiB"

    def check(array: str) -> Words:
        return [python(), CHECK, "zscore", runs.nii[0], f"{{out}}/{array}", "1e-4"]

    def peer(name: str, *allowed: str) -> Peer:
        words = method("zscore", name, "{out}", runs.store, *allowed)
        return Peer(name, words, check(runs.arrays[0].parent.name.removesuffix(".ome.zarr")), slow=True)

    return Row(
        f"zscore-{runs.key}",
        f"z-score of the store to Zarr in {memory}, {runs.title}",
        [runs.store],
        [OURS, "zscore", memory, runs.store, "{out}/zscore.zarr"],
        [peer("dask"), peer("cubed", CUBED_MEMORY)],
        check("zscore.zarr"),
        ZSCORE_MIB,
        GROUP_MIB,
    )


PARTS = {
    "series": "one voxel's series",
    "volume": "one volume",
    "box": "a 3x3x3 box through time",
}


def rows(
    five: Runs, large: Runs, real: Runs | None, fast: Path | None
) -> dict[str, Callable[[], Row]]:
    """What makes each row, by key; nothing is read or made before its row is."""
    made: dict[str, Callable[[], Row]] = {}

    def add(key: str, runs: Runs, make: Callable[..., Row], *more: object) -> None:
        made[f"{key}-{runs.key}"] = lambda: make(runs, *more)

    single = [large] if real is None else [large, real]
    add("tsnr-gz", five, tsnr_five_gz)
    for runs in single:
        add("tsnr-gz", runs, tsnr_one_gz)
        if fast is not None:
            add("tsnr-gz-fast", runs, tsnr_one_gz_fast, fast)
    for runs in [five, *single]:
        add("tsnr-nii", runs, tsnr_nii)
    for runs in [five, *single]:
        add("ingest-gz", runs, ingest_gz)
    for runs in [five, *single]:
        add("ingest-nii", runs, ingest_nii)
    for runs in [five, *single]:
        add("tsnr-store", runs, tsnr_store)
    for runs in [five, *single]:
        for kind, what in PARTS.items():
            add(kind, runs, access, kind, what)
    add("zscore", large, zscore)
    return made
