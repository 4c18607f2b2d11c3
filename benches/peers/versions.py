"""What was measured where: the machine, voxstore's commit, and the versions of all peers."""

import os
import platform
from pathlib import Path

import tools

PACKAGES = (
    "numpy nibabel indexed_gzip isal zlib-ng rapidgzip dask zarr numcodecs tensorstore xarray cubed "
    "nipype niimath"
).split()


def machine() -> str:
    """Processor, cores in use, memory and kernel."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    model = names[0] if names else platform.processor()
    cores = f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} cores"
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{model}, {cores}, {gib:.0f} GiB, {platform.system()} {platform.release()}"


def commit() -> str:
    """voxstore's commit, and whether the work tree differs from it."""
    changed = tools.run(["git", "status", "--porcelain", "--untracked-files=no"])
    return tools.run(["git", "rev-parse", "--short=10", "HEAD"]) + ("+changes" if changed else "")


def rustc() -> str:
    """The compiler."""
    return tools.run(["rustc", "--version"])


def peers() -> dict[str, str]:
    """Versions in the environment of the peers."""
    code = (
        "import sys, platform, importlib.metadata as m;"
        "print('Python', platform.python_version());"
        "[print(name, m.version(name)) for name in sys.argv[1:]]"
    )
    lines = tools.run([tools.python(), "-c", code, *PACKAGES]).splitlines()
    return dict(line.split() for line in lines)
