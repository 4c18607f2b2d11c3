#!/usr/bin/env python3
"""Make stores as other tools write them, and the numbers that must be read from them.

    python tests/interop/make_foreign.py FOLDER [NAME...]

Each is an image of x, y, z, t with small numbers, written by zarr-python, tensorstore or nifti-zarr-py;
their OME metadata are written here by hand. `FOLDER/foreign.json` lists, for each,

    {"path": "x.ome.zarr", "raw": "x.raw", "shape": [5, 4, 3, 6], "dtype": "int16", "slope": 1.0, "inter": 0.0,
     "affine": [[...]], "tr_s": 1.5, "zarr_format": 3, "missing_files": 0, "checksummed": true, "kind": "OME-Zarr 0.5"}

where `raw` holds the stored numbers, little-endian, x fastest, as numpy has them in memory and not as any
tool read them back. With names, only these are made: `fixtures/foreign` is

    python tests/interop/make_foreign.py fixtures/foreign sharded big_missing transposed v2_fortran v2_blosc tensorstore_volume nifti_zarr
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nibabel
import numpy as np
import numcodecs
import tensorstore
import zarr
from niizarr import nii2zarr
from numpy.typing import NDArray
from zarr.codecs import (
    BloscCodec,
    BytesCodec,
    Crc32cCodec,
    GzipCodec,
    TransposeCodec,
    ZstdCodec,
)

Array = NDArray[Any]
SHAPE = (5, 4, 3, 6)  # x, y, z, t
SCALE = {"x": 2.5, "y": 2.0, "z": 3.0, "t": 1.5, "c": 1.0}
START = {"x": -10.0, "y": 4.0, "z": 0.5, "t": 0.0, "c": 0.0}
DIRECTIONS = {"x": "left-to-right", "y": "posterior-to-anterior", "z": "inferior-to-superior"}
FUNCTIONAL = Path(__file__).parents[2] / "fixtures" / "nibabel" / "functional.nii"


class Expected(NamedTuple):
    """What must be read from a store."""

    stored: Array  # x, y, z, t
    affine: Array
    tr_s: float | None
    kind: str = "OME-Zarr 0.5"
    zarr_format: int = 3
    missing_files: int = 0
    checksummed: bool = False
    slope: float = 1.0
    inter: float = 0.0


def numbers(dtype: str, shape: tuple[int, ...] = SHAPE, seed: int = 8) -> Array:
    """Random numbers that differ from voxel to voxel."""
    random = np.random.default_rng(seed)
    if dtype.startswith("float"):
        return (random.standard_normal(shape) * 30 + 200).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def on_disk(stored: Array, axes: str) -> Array:
    """Numbers of x, y, z, t in another order of axes, some of length 1 perhaps."""
    order = ["xyzt".index(axis) for axis in axes if axis != "c"]
    turned = stored.transpose(order + [a for a in range(4) if a not in order])
    kept = turned.reshape(turned.shape[: len(order)])
    return np.expand_dims(kept, axes.index("c")) if "c" in axes else kept


def affine(directions: dict[str, str] = DIRECTIONS) -> Array:
    """Scale and start of x, y and z along the directions of the axes."""
    rows = {
        "left": (0, 1),
        "right": (0, -1),
        "posterior": (1, 1),
        "anterior": (1, -1),
        "inferior": (2, 1),
        "superior": (2, -1),
    }
    made = np.eye(4) * [0, 0, 0, 1]
    for column, axis in enumerate("xyz"):
        row, sign = rows[directions[axis].split("-")[0]]
        made[row, column], made[row, 3] = sign * SCALE[axis], sign * START[axis]
    return made


def ome(axes: str, version: str, directions: dict[str, str] | None = DIRECTIONS) -> dict[str, Any]:
    """Attributes of an image with such axes."""
    kinds = {"t": {"type": "time", "unit": "second"}, "c": {"type": "channel"}}
    space = {"type": "space", "unit": "millimeter"}
    listed = []
    for axis in axes:
        entry = {"name": axis, **kinds.get(axis, space)}
        if axis in "xyz" and directions:
            entry["orientation"] = {"type": "anatomical", "value": directions[axis]}
        listed.append(entry)
    transformations = [
        {"type": "scale", "scale": [SCALE[axis] for axis in axes]},
        {"type": "translation", "translation": [START[axis] for axis in axes]},
    ]
    image = {
        "axes": listed,
        "datasets": [{"path": "0", "coordinateTransformations": transformations}],
        "name": "made",
    }
    if version == "0.4":
        return {"multiscales": [{"version": "0.4", **image}]}
    return {"ome": {"version": version, "multiscales": [image]}}


def group(path: Path, axes: str, zarr_format: int = 3, **more: Any) -> zarr.Group:
    """Start an image."""
    version = "0.4" if zarr_format == 2 else "0.5"
    return zarr.create_group(path, zarr_format=zarr_format, attributes=ome(axes, version, **more))


def plain(path: Path) -> Expected:
    """Write with zarr-python's own choices; no orientation of the axes."""
    stored = numbers("int16")
    image = group(path, "tzyx", directions=None)
    image.create_array(
        "0", data=on_disk(stored, "tzyx"), chunks=(2, 2, 3, 4), dimension_names="tzyx"
    )
    return Expected(stored, affine(), 1.5)


def sharded(path: Path) -> Expected:
    """Write gzip chunks in shards that reach beyond the array."""
    stored = numbers("uint16")
    image = group(path, "tzyx")
    array = image.create_array(
        "0",
        shape=(6, 3, 4, 5),
        dtype="uint16",
        shards=(4, 2, 4, 6),
        chunks=(2, 1, 2, 3),
        compressors=GzipCodec(level=5),
        dimension_names="tzyx",
        fill_value=11,
    )
    # Chunks that hold nothing but the fill value are not in their shard.
    stored[:3, 2:, 2, 4:] = 11
    array[...] = on_disk(stored, "tzyx")
    return Expected(stored, affine(), 1.5, checksummed=True)


def big_missing(path: Path) -> Expected:
    """Write big-endian floats with NaN, by blosc; one chunk file is never written, its fill value is -1.5."""
    stored = numbers("float32")
    stored[1, 2, 1] = [np.nan, np.inf, -np.inf, -0.0, 1e-42, 3.0]
    image = group(path, "tzyx")
    array = image.create_array(
        "0",
        shape=(6, 3, 4, 5),
        dtype="float32",
        chunks=(3, 3, 4, 5),
        fill_value=-1.5,
        dimension_names="tzyx",
        serializer=BytesCodec(endian="big"),
        compressors=BloscCodec(cname="lz4", shuffle="shuffle", typesize=4),
        chunk_key_encoding={"name": "default", "separator": "."},
    )
    array[:3] = on_disk(stored, "tzyx")[:3]
    stored[..., 3:] = -1.5
    return Expected(stored, affine(), 1.5, missing_files=1)


def transposed(path: Path) -> Expected:
    """Write axes x, z, y, t, transposed on their way, with zstd and a checksum; x runs to the left."""
    directions = {**DIRECTIONS, "x": "right-to-left"}
    stored = numbers("int32")
    image = group(path, "xzyt", directions=directions)
    image.create_array(
        "0",
        data=on_disk(stored, "xzyt"),
        chunks=(2, 3, 3, 4),
        dimension_names="xzyt",
        filters=TransposeCodec(order=(1, 3, 0, 2)),
        compressors=[ZstdCodec(level=3), Crc32cCodec()],
    )
    return Expected(stored, affine(directions), 1.5, checksummed=True)


def turned(path: Path) -> Expected:
    """Write an image whose axes z, y, x run forward, left and down."""
    directions = {"x": "superior-to-inferior", "y": "right-to-left", "z": "posterior-to-anterior"}
    stored = numbers("int8")
    image = group(path, "tzyx", directions=directions)
    keys = {"name": "v2", "separator": "/"}
    image.create_array(
        "0",
        data=on_disk(stored, "tzyx"),
        chunks=(6, 3, 4, 5),
        dimension_names="tzyx",
        compressors=None,
        chunk_key_encoding=keys,
    )
    return Expected(stored, affine(directions), 1.5)


def v2_fortran(path: Path) -> Expected:
    """Write OME-Zarr 0.4: Zarr v2, Fortran order, big-endian, zlib, keys with dots, a fill value of null."""
    stored = numbers("int16")
    image = group(path, "tczyx", zarr_format=2)
    image.create_array(
        "0",
        data=on_disk(stored, "tczyx").astype(">i2"),
        chunks=(4, 1, 2, 4, 2),
        order="F",
        compressors=numcodecs.Zlib(level=1),
        fill_value=None,
    )
    return Expected(stored, affine(), 1.5, kind="OME-Zarr 0.4", zarr_format=2, checksummed=True)


def v2_blosc(path: Path) -> Expected:
    """Write OME-Zarr 0.4 with blosc and zstd in nested folders; two chunks are missing."""
    stored = numbers("float64")
    image = group(path, "tzyx", zarr_format=2)
    array = image.create_array(
        "0",
        shape=(6, 3, 4, 5),
        dtype="float64",
        chunks=(2, 3, 4, 5),
        fill_value=0.0,
        compressors=numcodecs.Blosc(cname="zstd", clevel=9, shuffle=2),
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )
    array[2:4] = on_disk(stored, "tzyx")[2:4]
    stored[..., :2] = stored[..., 4:] = 0
    return Expected(stored, affine(), 1.5, kind="OME-Zarr 0.4", zarr_format=2, missing_files=2)


def by_tensorstore(path: Path, metadata: dict[str, Any]) -> tensorstore.TensorStore:
    """Make the array of an image."""
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(path.resolve() / "0")},
        "metadata": metadata,
    }
    return tensorstore.open(spec, create=True).result()


def tensorstore_volume(path: Path) -> Expected:
    """Write one volume of z, y, x by tensorstore, in shards whose index comes first and has no checksum."""
    stored = numbers("uint8", (*SHAPE[:3], 1))
    group(path, "zyx")
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    shards = {
        "chunk_shape": [1, 2, 5],
        "index_location": "start",
        "index_codecs": [little],
        "codecs": [{"name": "bytes"}, {"name": "zstd", "configuration": {"level": 1}}],
    }
    metadata = {
        "shape": [3, 4, 5],
        "data_type": "uint8",
        "dimension_names": ["z", "y", "x"],
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 4, 5]}},
        "codecs": [{"name": "sharding_indexed", "configuration": shards}],
    }
    array = by_tensorstore(path, metadata)
    array.write(on_disk(stored, "zyx")).result()
    return Expected(stored, affine(), None)


def tensorstore_series(path: Path) -> Expected:
    """Write zstd frames by tensorstore, as streams."""
    stored = numbers("int64")
    group(path, "tzyx")
    metadata = {
        "shape": [6, 3, 4, 5],
        "data_type": "int64",
        "dimension_names": list("tzyx"),
        "fill_value": -7,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 3, 4, 5]}},
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "zstd", "configuration": {"level": 3}},
            {"name": "crc32c"},
        ],
    }
    array = by_tensorstore(path, metadata)
    array[:4].write(on_disk(stored, "tzyx")[:4]).result()
    stored[..., 4:] = -7
    return Expected(stored, affine(), 1.5, missing_files=1, checksummed=True)


def of_nifti(path: Path, zarr_format: int, **options: Any) -> Expected:
    """Write a part of a real run, scaled and oblique, by nifti-zarr-py."""
    whole = nibabel.load(FUNCTIONAL)
    stored = np.asarray(whole.dataobj.get_unscaled())[:6, :5, :, :4]
    header = whole.header.copy()
    header.set_data_shape(stored.shape)
    slope, inter = float(whole.dataobj.slope), float(whole.dataobj.inter)
    # A file, for nibabel forgets the scaling of what it has in memory.
    file = path.with_suffix(".nii")
    header["scl_slope"], header["scl_inter"], header["vox_offset"] = slope, inter, 352
    file.write_bytes(header.binaryblock + bytes(4) + stored.tobytes(order="F"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nii2zarr(str(file), str(path), chunk=4, nb_levels=1, zarr_version=zarr_format, **options)
    read = nibabel.load(file)
    tr = float(read.header.get_zooms()[3])
    expected = Expected(
        stored,
        read.affine,
        tr,
        slope=slope,
        inter=inter,
        zarr_format=zarr_format,
        kind=f"nifti-zarr (OME-Zarr 0.{4 if zarr_format == 2 else 5})",
    )
    file.unlink()
    return expected


STORES: dict[str, Callable[[Path], Expected]] = {
    "plain": plain,
    "sharded": sharded,
    "big_missing": big_missing,
    "transposed": transposed,
    "turned": turned,
    "v2_fortran": v2_fortran,
    "v2_blosc": v2_blosc,
    "tensorstore_volume": tensorstore_volume,
    "tensorstore_series": tensorstore_series,
    "nifti_zarr": lambda path: of_nifti(path, 3),
    "nifti_zarr_v2": lambda path: of_nifti(path, 2, compressor="zlib"),
    "nifti_zarr_sharded": lambda path: of_nifti(path, 3, shard=8, shard_time=4),
}


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(STORES)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in names:
        path = folder / f"{name}.ome.zarr"
        expected = STORES[name](path)
        stored = expected.stored.astype(expected.stored.dtype.newbyteorder("<"))
        (folder / f"{name}.raw").write_bytes(stored.tobytes(order="F"))
        facts = {
            key: value
            for key, value in expected._asdict().items()
            if key not in ("stored", "affine")
        }
        made.append(
            {
                "path": path.name,
                "raw": f"{name}.raw",
                "shape": stored.shape,
                "dtype": stored.dtype.name,
            }
            | {"affine": expected.affine.tolist(), **facts}
        )
    (folder / "foreign.json").write_text(json.dumps(made, indent=1) + "\n")
    print(f"{len(made)} stores in {folder}")


if __name__ == "__main__":
    main()
