#!/usr/bin/env python3
"""Open a store with the tools people have, and compare every voxel with its source.

    python tests/interop/check_store.py STORE SOURCE...

Each run of STORE must come from one SOURCE (a NIfTI file) and each SOURCE must have become a run;
they are matched by the file name recorded in the run. For every run:

* zarr-python opens the store and the run from consolidated metadata, and lists the tree without
  it, without a warning; both name the same nodes; the axes are (t, z, y, x); stored voxels, header
  bytes, coordinates, affine and OME scale are right; the table of checksums holds what chunk files end with;
* ome-zarr-models accepts the run as an OME-Zarr 0.5 image;
* dask and tensorstore (zarr3 driver) read the stored voxels;
* xarray reads the scaled values, by `open_zarr` of the run and by `open_datatree` of the store,
  without a warning.

The truth is nibabel: `dataobj.get_unscaled()` for stored voxels, `get_fdata()` for scaled ones.
Runs are compared a slab of time at a time: memory is one run's stored voxels and little more. Exits
with 1 when anything differs, naming run, tool, voxel, expected and found.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import dask.array
import nibabel
import numpy as np
import tensorstore
import xarray
import zarr
from nibabel.openers import ImageOpener
from mismatch import MismatchError
from numpy.typing import NDArray
from ome_zarr_models.v05.image import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures" / "golden"))
from reference import scaled

AXES = ("t", "z", "y", "x")
VOXELS = "0"
CHECKSUMS = "chunk_crc32c"
SLAB_VOXELS = 1 << 22

Array = NDArray[Any]
Read = Callable[[slice], Any]


class Run(NamedTuple):
    """A run of the store and the source it was made from."""

    store: Path
    path: str
    group: zarr.Group
    source: nibabel.Nifti1Image
    stored: Array  # voxels of the source, unscaled, (t, z, y, x)


def demand(good: bool, what: str, expected: object, found: object) -> None:
    """Raise unless `good`."""
    if not good:
        raise MismatchError(what, expected, found)


def compare(read: Read, expected: Array, convert: Callable[[Array], Array]) -> None:
    """Compare what `read` returns for slabs of the first axis with `convert(expected)`."""
    per_slab = max(1, SLAB_VOXELS // max(1, expected[0].size))
    for start in range(0, len(expected), per_slab):
        slab = slice(start, min(start + per_slab, len(expected)))
        want = convert(expected[slab])
        found = np.asarray(read(slab))
        demand(found.shape == want.shape, f"shape of volumes {slab}", want.shape, found.shape)
        bad = ~((found == want) | ((found != found) & (want != want)))
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            voxel = (start + first[0], *first[1:])
            what = f"voxel {AXES} = {voxel} ({int(bad.sum())} of this slab's {bad.size} differ)"
            raise MismatchError(what, want[first].item(), found[first].item())


def check_zarr(run: Run) -> None:
    """Check voxels, names and header bytes by zarr-python."""
    alone = open_group(run.store / run.path)
    demand(sorted(alone) == sorted(run.group), "arrays by run", sorted(run.group), sorted(alone))
    voxels = run.group[VOXELS]
    names = voxels.metadata.dimension_names
    demand(names == AXES, "dimension names", AXES, names)
    wanted = run.source.get_data_dtype().newbyteorder("=")
    demand(voxels.dtype == wanted, "data type", wanted, voxels.dtype)
    compare(lambda slab: voxels[slab], run.stored, convert=lambda stored: stored)

    header = header_bytes(run.source)
    found = run.group["nifti"][:].tobytes()
    same = found == header
    demand(same, "header bytes", f"the {len(header)} of the source", f"{len(found)}, different")


def check_metadata(run: Run) -> None:
    """Check coordinates against the OME scale and the affine against nibabel."""
    (image,) = run.group.attrs["ome"]["multiscales"]
    axes = tuple(axis["name"] for axis in image["axes"])
    demand(axes == AXES, "OME axes", AXES, axes)
    (transform,) = image["datasets"][0]["coordinateTransformations"]
    scale = np.array(transform["scale"], dtype=np.float64)
    good = scale.shape == (4,) and bool(np.all(np.isfinite(scale) & (scale > 0)))
    demand(good, "OME scale", "four finite numbers above 0", scale)
    for axis, step, length in zip(AXES, scale, run.stored.shape, strict=True):
        coordinate = run.group[axis][:]
        expected = coordinate[0] + step * np.arange(length)
        good = coordinate.dtype == np.float64 and coordinate.shape == (length,)
        good = good and np.allclose(coordinate, expected, rtol=1e-9, atol=1e-9 * step)
        demand(bool(good), f"coordinate {axis}", f"{length} float64 in steps of {step}", coordinate)
    affine = np.array(run.group.attrs["voxstore"]["affine"], dtype=np.float64)
    good = affine.shape == (4, 4) and np.allclose(affine, run.source.affine, rtol=1e-5, atol=1e-4)
    demand(bool(good), "affine", run.source.affine.tolist(), affine.tolist())


def check_checksums(run: Run) -> None:
    """Compare the table of checksums with the last four bytes of every chunk file."""
    table = run.group[CHECKSUMS][:]
    voxels = run.group[VOXELS]
    counts = tuple(-(-n // c) for n, c in zip(voxels.shape, voxels.chunks, strict=True))
    demand(table.shape == counts, "shape of the table of checksums", counts, table.shape)
    for position in np.ndindex(counts):
        key = ".".join(["c", *map(str, position)])
        file = (run.store / run.path / VOXELS / key).read_bytes()
        found = int.from_bytes(file[-4:], "little")
        demand(found == table[position], f"checksum of {key}", int(table[position]), found)


def check_ome(run: Run) -> None:
    """Validate the group by ome-zarr-models."""
    Image.from_zarr(run.group)


def check_dask(run: Run) -> None:
    """Read stored voxels by dask."""
    voxels = dask.array.from_zarr(str(run.store), component=f"{run.path}/{VOXELS}")
    compare(lambda slab: voxels[slab].compute(), run.stored, convert=lambda stored: stored)


def check_tensorstore(run: Run) -> None:
    """Read stored voxels by tensorstore."""
    files = {"driver": "file", "path": str((run.store / run.path / VOXELS).resolve())}
    voxels = tensorstore.open({"driver": "zarr3", "kvstore": files}, read=True).result()
    labels = voxels.domain.labels
    demand(labels == AXES, "labels", AXES, labels)
    compare(lambda slab: voxels[slab].read().result(), run.stored, convert=lambda stored: stored)


def check_xarray(run: Run) -> None:
    """Read scaled values by xarray from the run alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = xarray.open_zarr(run.store / run.path, chunks=None, consolidated=True)
    compare_scaled(run, dataset[VOXELS])


def check_datatree(run: Run) -> None:
    """Read scaled values by xarray through the tree of the whole store."""
    compare_scaled(run, open_tree(run.store)[run.path].dataset[VOXELS])


@cache
def open_tree(store: Path) -> xarray.DataTree:
    """Open a whole store, taking a warning for an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return xarray.open_datatree(store, engine="zarr", chunks=None, consolidated=True)


def compare_scaled(run: Run, voxels: xarray.DataArray) -> None:
    """Compare the names and values of a variable that xarray has decoded."""
    demand(voxels.dims == AXES, "dimensions", AXES, voxels.dims)
    indexed = tuple(axis for axis in AXES if axis in voxels.indexes)
    demand(indexed == AXES, "index coordinates", AXES, indexed)
    compare(
        lambda slab: voxels[slab].values,
        run.stored,
        convert=lambda stored: scaled(run.source, stored),
    )


CHECKS: dict[str, Callable[[Run], None]] = {
    "zarr": check_zarr,
    "metadata": check_metadata,
    "checksums": check_checksums,
    "ome-zarr-models": check_ome,
    "dask": check_dask,
    "tensorstore": check_tensorstore,
    "xarray open_zarr": check_xarray,
    "xarray open_datatree": check_datatree,
}


def open_group(path: Path) -> zarr.Group:
    """Open a group from its consolidated metadata, taking a warning for an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return zarr.open_group(path, mode="r", use_consolidated=True)


def check_listing(store: Path, root: zarr.Group) -> None:
    """Check that the tree holds the nodes of the index and nothing else (zarr warns of files)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = zarr.open_group(store, mode="r", use_consolidated=False)
        listed = {name for name, _ in tree.members(max_depth=None)}
    indexed = {name for name, _ in root.members(max_depth=None)}
    demand(listed == indexed, "nodes on disk or in the index only", [], sorted(listed ^ indexed))


def header_bytes(image: nibabel.Nifti1Image) -> bytes:
    """Bytes of a source before its voxels, uncompressed."""
    pair = "header" in image.file_map  # .hdr and .img: the header is a file of its own
    with ImageOpener(image.file_map["header" if pair else "image"].filename) as file:
        return file.read() if pair else file.read(image.dataobj.offset)


def axes_reversed(image: nibabel.Nifti1Image) -> Array:
    """Voxels of a source as the store has them: unscaled, (t, z, y, x)."""
    stored = image.dataobj.get_unscaled()
    kept = [n for n in image.shape[4:] if n > 1]
    demand(not kept, f"axes of {image.get_filename()}", "at most 4 longer than 1", image.shape)
    return stored.reshape((*image.shape, 1)[:4], order="F").T


def runs(store: Path, sources: Sequence[Path]) -> Iterator[Run]:
    """Pair runs and sources by file name, and open both."""
    root = open_group(store)
    check_listing(store, root)
    left = {source.name: source for source in sources}
    demand(len(left) == len(sources), "file names of sources", "all different", sorted(left))
    for entry in root.attrs["voxstore"]["runs"]:
        path = entry["path"]
        group = root[path]
        attributes = group.attrs["voxstore"]
        status = attributes["status"]
        demand(status == "complete", f"status of run {path}", "complete", status)
        name = attributes["source"]["name"]
        demand(name in left, f"source of run {path}", f"one of {sorted(left)}", name)
        source = nibabel.load(left.pop(name))
        yield Run(store, path, group, source, axes_reversed(source))
    demand(not left, f"runs of {store}", f"one made from each of {sorted(left)}", "none")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare a store with its sources, in many tools.")
    parser.add_argument("store", type=Path)
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE")
    args = parser.parse_args()
    problems: list[str] = []
    try:
        for run in runs(args.store, args.sources):
            for tool, check in CHECKS.items():
                try:
                    check(run)
                    print(f"{run.path}: {tool}: ok")
                # Whatever a tool raises is a finding; the other tools are still asked.
                except Exception as error:
                    message = f"run {run.path}: {tool}: {type(error).__name__}: {error}"
                    print(message, file=sys.stderr)
                    problems.append(message)
    except Exception as error:
        problems.append(f"{args.store}: {type(error).__name__}: {error}")
        print(problems[-1], file=sys.stderr)
    print(f"{len(problems)} problems" if problems else "every tool agrees with nibabel")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
