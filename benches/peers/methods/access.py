"""Reads a part of a run at each of some places, and prints seconds and sums as JSON.

python access.py tensorstore|nibabel series|volume|box RUN_OR_STORE_ARRAY X,Y,Z,T... [--indexed-gzip]

Timed inside: imports do not count. The array stays open; what opening took is told apart.
"""

import json
import sys
import time
from pathlib import Path

from runs import WITH_INDEX, open_run  # before nibabel: with or without indexed_gzip
from stores import open_tensorstore

from nibabel.arrayproxy import ArrayProxy


def part(kind: str, x: int, y: int, z: int, t: int) -> tuple:
    """What is read, as an index in (x, y, z, t)."""
    whole = slice(None)
    return {
        "series": (x, y, z, whole),
        "volume": (whole, whole, whole, t),
        "box": (slice(x, x + 3), slice(y, y + 3), slice(z, z + 3), whole),
    }[kind]


way, kind, path, *places = (arg for arg in sys.argv[1:] if arg != WITH_INDEX)
places = [tuple(map(int, place.split(","))) for place in places]

if way == "tensorstore":
    import tensorstore  # noqa: F401  imported before the clock starts

start = time.perf_counter()
if way == "tensorstore":
    array = open_tensorstore(Path(path))
    read = lambda index: array[index[::-1]].read().result()  # noqa: E731
else:
    run = open_run(Path(path))
    proxy = ArrayProxy(path, (run.shape, run.dtype, run.offset_bytes))  # numbers as stored
    read = lambda index: proxy[index]  # noqa: E731
open_seconds = time.perf_counter() - start

seconds, sums = [], []
for place in places:
    index = part(kind, *place)
    start = time.perf_counter()
    values = read(index)
    seconds.append(time.perf_counter() - start)
    sums.append(int(values.sum()))
print(json.dumps({"open_seconds": open_seconds, "seconds": seconds, "sums": sums}))
