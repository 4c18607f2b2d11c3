"""The runs that everything is measured on, and what is made from them once: stores and references."""

import dataclasses
import gzip
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import tools


@dataclasses.dataclass(frozen=True)
class Runs:
    """Some runs of one grid, as .nii.gz and as .nii."""

    key: str
    title: str
    prepare: Callable[[], Path]  # makes what is missing, and gives the folder
    scratch: Path
    memory_mib: int  # what voxstore is given

    @cached_property
    def folder(self) -> Path:
        """Where the files are; they are made when this is first asked for."""
        return self.prepare()

    def files(self, suffix: str) -> list[Path]:
        """The files that end so, by name."""
        return sorted(p for p in self.folder.rglob(f"*_bold{suffix}") if p.is_file())

    @cached_property
    def nii(self) -> list[Path]:
        """The plain files."""
        return self.files(".nii")

    @cached_property
    def gz(self) -> list[Path]:
        """Links to the compressed files, in a folder of their own: where x.nii lies beside x.nii.gz, the
        C library of NIfTI, asked for the second, reads the first."""
        alone = self.scratch / "only-gz"
        shutil.rmtree(alone, ignore_errors=True)
        alone.mkdir(parents=True)
        links = [alone / path.name for path in self.files(".nii.gz")]
        for link, path in zip(links, self.files(".nii.gz"), strict=True):
            link.symlink_to(path.resolve())
        return links

    @cached_property
    def store(self) -> Path:
        """The store that voxstore makes of them."""
        store = self.scratch / "study.zarr"
        shutil.rmtree(store, ignore_errors=True)
        tools.run([tools.VOXSTORE, "ingest", *self.gz, "-o", store, "--quiet"])
        return store

    @cached_property
    def arrays(self) -> list[Path]:
        """The voxels of each run in the store."""
        return sorted(group / "0" for group in self.store.rglob("*.ome.zarr"))

    @cached_property
    def longest(self) -> int:
        """Which run has the most volumes."""
        sizes = [path.stat().st_size for path in self.nii]
        return sizes.index(max(sizes))

    @cached_property
    def reference(self) -> Path:
        """The tSNR map of all runs joined, by numpy in float64."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        path = self.scratch / "reference.npy"
        tools.run([tools.python(), tools.CHECK, "reference", path, *self.nii])
        return path


def made(kind: str, data: Path, scratch: Path, title: str, memory_mib: int) -> Runs:
    """A set of made runs, made where it is not there."""

    def prepare() -> Path:
        folder = data / kind
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            tools.run([tools.EXAMPLES / "make_runs", kind, folder, "--nii"])
            (folder / "complete").touch()
        return folder

    return Runs(kind, title, prepare, scratch / kind, memory_mib)


def real(run: Path, scratch: Path) -> Runs:
    """One real run, inflated into the scratch folder."""

    def prepare() -> Path:
        folder = scratch / "real/runs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "sub-01_task-real_bold.nii.gz").symlink_to(run.resolve())
        with gzip.open(run) as source, open(folder / "sub-01_task-real_bold.nii", "wb") as plain:
            shutil.copyfileobj(source, plain, 1 << 20)
        return folder

    return Runs("real", "a real run", prepare, scratch / "real", 128)


def warm(paths: list[Path]) -> None:
    """Reads files once, so that they are in the page cache."""
    for path in paths:
        inner = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
        for file in inner:
            with open(file, "rb", buffering=0) as stream:
                while stream.read(1 << 22):
                    pass


def free(folder: Path, aside: Path) -> None:
    """Frees what a process wrote, and keeps its files aside, empty.

    For minutes, ext4 makes no new file of an inode whose file was deleted, and looks at each of them before it
    makes another: what is measured next would pay for what was deleted before it.
    """
    if not os.path.lexists(folder):
        return
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.truncate(path, 0)
    aside.mkdir(exist_ok=True)
    folder.rename(tempfile.mkdtemp(dir=aside) + "/freed")


