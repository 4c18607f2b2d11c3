"""The seed's notebook and the page on Python run as they stand."""

import contextlib
import io
import json
import re
import shutil

import nibabel as nib
import numpy as np
import pytest
from conftest import ROOT

HOME = "/home/jovyan/shared"
CHANGED, SEEDS = "import voxstore as da", "import dask.array as da"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Five runs of few voxels, by the names and in the folders of ds000114."""
    folder = tmp_path_factory.mktemp("shared") / "ds000114/sub-01/ses-test/func"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(114)
    for task in (
        "covertverbgeneration",
        "fingerfootlips",
        "linebisection",
        "overtverbgeneration",
        "overtwordrepetition",
    ):
        voxels = rng.normal(900, 30, (8, 7, 6, 20 + len(task))).astype("i2")
        image = nib.Nifti1Image(voxels, np.diag([4.0, 4, 4, 1]))
        image.to_filename(folder / f"sub-01_ses-test_task-{task}_bold.nii.gz")
    return folder.parents[3]


def cells():
    notebook = json.loads((ROOT / "docs/seed.ipynb").read_text())
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cells(sources, home, skip=lambda source, names: False):
    """What stands at the end; a cell's first line may be a magic word of the notebook."""
    names = {}
    for source in sources:
        source = re.sub(r"^%%\w+\n", "", source).replace(HOME, str(home))
        if not skip(source, names):
            exec(compile(source, "docs/seed.ipynb", "exec"), names)
    return names


def needs_graphviz(source, names):
    """dask draws by Graphviz only."""
    return (
        "visualize" in source
        and type(names["tsnr"]).__module__.startswith("dask")
        and shutil.which("dot") is None
    )


def test_the_seeds_notebook_runs_with_one_import_changed(session):
    ours = run_cells(cells(), session, needs_graphviz)
    voxels = [np.asarray(nib.load(name).dataobj) for name in ours["fnames"]]
    assert len(voxels) == 5
    joined = np.concatenate(voxels, -1)
    np.testing.assert_allclose(ours["result"], joined.mean(-1) / joined.std(-1), rtol=1e-12)


def test_the_seeds_notebook_is_dasks_but_for_that_import(session):
    """Up to where it goes beyond the seed, the same cells run with dask, to the same numbers."""
    sources = cells()
    seeds = sources[: next(at for at, source in enumerate(sources) if "da.open" in source)]
    assert sum(source.count(CHANGED) for source in sources) == 1
    assert "voxstore" not in "".join(seeds).replace(CHANGED, "")
    theirs = run_cells([source.replace(CHANGED, SEEDS) for source in seeds], session, needs_graphviz)
    ours = run_cells(seeds, session, needs_graphviz)
    np.testing.assert_allclose(ours["result"], theirs["result"], rtol=1e-12)


@pytest.mark.parametrize("page", ["docs/python.md", "README.md", "python/README.md"])
def test_the_examples_run_and_print_what_they_say(page, tmp_path, monkeypatch):
    """Blocks of a page share names; `# ` comments behind `print(...)` are what is printed."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert blocks
    for name in ("fmri1.nii.gz", "fmri2.nii.gz"):
        shutil.copy(ROOT / "fixtures/nitime" / name, tmp_path)
    shutil.copy(ROOT / "fixtures/nitime/fmri1.nii.gz", tmp_path / "bold.nii.gz")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        said = re.findall(r"print\(.*\)  # (.*)$", block, re.MULTILINE)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block, page, "exec"), names)
        for line in said:
            assert line in out.getvalue(), f"{page}: expected {line!r}, printed:\n{out.getvalue()}"
