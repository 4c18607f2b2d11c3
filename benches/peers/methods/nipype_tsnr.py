"""tSNR by nipype's interface, which works in its own folder.

python nipype_tsnr.py MAP.nii RUN.nii.gz...
"""

import os
import sys
import tempfile
from pathlib import Path

import runs  # noqa: F401  nibabel without indexed_gzip
from nipype.algorithms.confounds import TSNR

out, *files = (os.path.abspath(name) for name in sys.argv[1:])
with tempfile.TemporaryDirectory(dir=Path(out).parent) as folder:
    os.chdir(folder)
    names = {"tsnr_file": out, "mean_file": "mean.nii", "stddev_file": "stddev.nii"}
    TSNR(in_file=files, **names).run()
    os.chdir("/")
