"""NIfTI runs into Zarr arrays of the shape, chunks and codecs of voxstore's.

python ingest.py tensorstore|tensorstore-synced|dask OUT STORE_LIKE INFLATER RUN...
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runs import Run, nibabel, open_run, slabs
from stores import array_of, begin_like, metadata, open_tensorstore, stem


def begin(path: Path) -> Path:
    new = out / stem(path)
    begin_like(array_of(like, stem(path)), new)
    return new


def by_tensorstore(files: list[Path]) -> None:
    """Two runs at a time, a slab of whole chunks at a time, written while the next one is inflated."""

    def one(run: Run) -> None:
        array = open_tensorstore(begin(run.path), synced=way == "tensorstore-synced")
        depth = array.chunk_layout.write_chunk.shape[0]
        before = None
        for first, volumes in slabs(run, inflater, depth):
            box = array[first : first + len(volumes)]
            volumes = volumes.reshape(box.shape)
            write = box.write(volumes, can_reference_source_data_indefinitely=True)
            if before is not None:
                before.result()
            before = write
        before.result()

    longest_first = sorted(map(open_run, files), key=lambda run: run.shape[3], reverse=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, longest_first))


def by_dask(files: list[Path]) -> None:
    """Each run inflated whole by nibabel, cut into chunks, and written by zarr-python.

    What `to_zarr` does for an array that it makes; into one that is there it would cut chunks anew.
    """
    import dask
    import dask.array as da
    import zarr

    writes = []
    for path in files:
        image = nibabel.load(path)
        # As stored: slope and inter are kept beside the voxels.
        whole = dask.delayed(image.dataobj.get_unscaled)()
        voxels = da.from_delayed(whole, image.shape, image.get_data_dtype()).T
        new = begin(path)
        chunks = tuple(metadata(new)["chunk_grid"]["configuration"]["chunk_shape"])
        target = zarr.open_array(new, mode="r+")
        writes.append(voxels.rechunk(chunks).store(target, lock=False, compute=False))
    dask.compute(*writes)


way, out, like, inflater, *names = sys.argv[1:]
out, like = Path(out), Path(like)
(by_dask if way == "dask" else by_tensorstore)([Path(name) for name in names])
