"""Arrays of runs in a Zarr store, (t, z, y, x): where they are, and new ones like them."""

import json
import shutil
from pathlib import Path
from typing import Any

SUFFIX = ".ome.zarr"


def stem(path: Path) -> str:
    """The name of a run without what tells its format."""
    name = path.name
    for suffix in (SUFFIX, ".nii.gz", ".nii"):
        name = name.removesuffix(suffix)
    return name


def arrays(store: Path) -> list[Path]:
    """The arrays of a store that voxstore wrote, by name."""
    return sorted(run / "0" for run in store.rglob(f"*{SUFFIX}"))


def array_of(store: Path, run: str) -> Path:
    """The array of a run: below its group in a store of voxstore, by its bare name in a peer's."""
    bare = store / run
    return bare if bare.exists() else next(a for a in arrays(store) if stem(a.parent) == run)


def metadata(array: Path) -> dict[str, Any]:
    """The `zarr.json` of an array."""
    return json.loads((array / "zarr.json").read_text())


def begin_like(array: Path, new: Path) -> None:
    """Begins an empty array of the shape, chunks, codecs and type of another."""
    new.mkdir(parents=True)
    shutil.copy(array / "zarr.json", new / "zarr.json")


def begin_float32_like(array: Path, new: Path) -> None:
    """Begins an empty array of float32, as another in all else."""
    wanted = metadata(array) | {"data_type": "float32", "fill_value": 0}
    for codec in wanted["codecs"]:
        if codec["name"] == "blosc":
            codec["configuration"]["typesize"] = 4
    new.mkdir(parents=True)
    (new / "zarr.json").write_text(json.dumps(wanted))


def open_tensorstore(array: Path, synced: bool = False) -> Any:
    """An array by tensorstore, to read or to write. By default it would sync each file it writes."""
    import tensorstore

    where = {"driver": "file", "path": str(array), "file_io_sync": synced}
    return tensorstore.open({"driver": "zarr3", "kvstore": where}, open=True).result()
