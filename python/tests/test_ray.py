"""tSNR by Ray's workers, where Ray is installed (it is not among the requirements: it is large)."""

import numpy as np
import pytest
from conftest import FMRI1, FMRI2

import voxstore

ray = pytest.importorskip("ray")


def test_ray_gives_the_bits_of_one_machine_and_its_errors(tmp_path):
    import voxstore.ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    try:
        made = {"folder": tmp_path / "parts", "memory": "64MiB", "shards": 2}
        ours, local = voxstore.ray.tsnr([FMRI1, FMRI2], **made), voxstore.tsnr([FMRI1, FMRI2])
        np.testing.assert_array_equal(ours.map, local.map, strict=True)
        assert ours.run_medians == local.run_medians
        cut = tmp_path / "cut.nii.gz"
        with open(FMRI1, "rb") as whole:
            cut.write_bytes(whole.read(100_000))
        with pytest.raises(voxstore.DamagedSource):
            voxstore.ray.tsnr(cut, folder=tmp_path / "cut", memory="64MiB", shards=1)
    finally:
        ray.shutdown()
