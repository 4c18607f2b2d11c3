"""Holds a dataset of derivatives against the rules of BIDS that can be run here.

    check_bids.py FOLDER

Names by the schema of bidsschematools and by bids-validator; names that the schema does not have must be in
.bidsignore, and so must keep its entities and their order. The description by its required fields; the table by its
data dictionary; the maps by the JSON beside them.
"""

import csv
import fnmatch
import json
import re
import sys
from pathlib import Path

import nibabel
import numpy
from bids_validator import BIDSValidator
from bidsschematools.schema import load_schema

root = Path(sys.argv[1])
problems = []


def check(what, holds):
    print(("ok      " if holds else "FAILS   ") + what)
    if not holds:
        problems.append(what)


schema = load_schema()
order = [schema.objects.entities[key].name for key in schema.rules.entities]
# A statistic stands before the description (decision 0025).
order.insert(order.index("desc"), "stat")

description = json.loads((root / "dataset_description.json").read_text())
for key in ("Name", "BIDSVersion", "DatasetType", "GeneratedBy"):
    check(f"dataset_description.json has {key}", bool(description.get(key)))
check("it is a derivative", description["DatasetType"] == "derivative")
check("each GeneratedBy has a Name", all(by.get("Name") for by in description["GeneratedBy"]))
check("the raw dataset is linked", (root / description["DatasetLinks"]["raw"]).resolve().is_dir())

ignored = (root / ".bidsignore").read_text().split()
files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.name != ".bidsignore"]
for path in files:
    below = "/" + path.relative_to(root).as_posix()
    is_ignored = any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored)
    check(f"{below} is a name of BIDS, or ignored", is_ignored or BIDSValidator().is_bids(below))

maps = [path for path in files if path.name.endswith(".nii.gz")]
check("there are maps", bool(maps))
for path in maps:
    pairs = [part.split("-", 1) for part in path.name.split("_")[:-1]]
    keys = [key for key, _ in pairs]
    check(f"{path.name}: entities of the schema in its order", keys == sorted(keys, key=order.index))
    folders = [part for part in path.relative_to(root).parts if part[:4] in ("sub-", "ses-")][:-1]
    check(f"{path.name}: lies where it says", folders == [f"{k}-{v}" for k, v in pairs if k in ("sub", "ses")])
    # Without what the schema lacks, the name is that of a run.
    run = re.sub("_stat-(tsnr|mean|std)", "", path.name).replace("_boldmap", "_bold")
    below = "/" + (path.parent / run).relative_to(root).as_posix()
    check(f"{run}: a BOLD run by bids-validator", BIDSValidator().is_bids(below))
    sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    source = sidecar["Sources"][0].removeprefix("bids:raw:")
    raw = root / description["DatasetLinks"]["raw"] / source
    check(f"{path.name}: its source is there", raw.is_file())
    image, like = nibabel.load(path), nibabel.load(raw)
    check(f"{path.name}: on the grid of its source", image.shape == like.shape[:3] and (image.affine == like.affine).all())
    if "_stat-tsnr" in path.name:
        mean, std = (nibabel.load(str(path).replace("_stat-tsnr", f"_stat-{s}")).get_fdata() for s in ("mean", "std"))
        there = std > 0
        near = numpy.allclose(image.get_fdata()[there], mean[there] / std[there], rtol=1e-6)
        check(f"{path.name}: mean over std of the maps beside it", there.any() and near)

table = root / "group_tsnr.tsv"
rows = list(csv.DictReader(table.open(), delimiter="\t"))
dictionary = json.loads((root / "group_tsnr.json").read_text())
check("the dictionary has the table's columns", list(dictionary) == list(rows[0]))
check("a row for each run", 3 * len(rows) == len(maps))
check("no empty cell", all(cell for row in rows for cell in row.values()))

if problems:
    sys.exit(f"{len(problems)} of the checks fail")
