"""The plan in docs/scale.md follows from what was measured."""

import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "python/benches"))
scale = pytest.importorskip("scale")


def test_the_page_has_the_tables_that_the_measurements_give():
    measured = json.loads(scale.MEASURED.read_text())
    text = scale.PAGE.read_text()
    assert scale.page(text, scale.tables(measured)) == text, "python python/benches/scale.py page"


def test_the_plan_multiplies_by_runs_voxels_and_powers():
    rates = {"runs": 2, "raw_bytes": 2_000, "stored_bytes": 1_000, "cells": 100, "part_seconds": 2.0}
    rates |= {"state_bytes": 500, "files": 8, "merge_seconds": 0.5}
    many = {"runs": 200, "files": 800, "merge_needs_bytes": (16 << 20) + 2_000}
    planning = [{"runs": n, "seconds": (n / 1000) ** 2} for n in (2_500, 5_000, 10_000)]
    found = scale.plan({"rates": rates, "many": many, "planning": planning})
    # 88 * 88 * 64 = 495616 voxels; times 490 volumes of 2 bytes, times 40000 runs.
    assert found["raw_bytes"] == 19_428_147_200_000
    assert found["read_bytes"] == 9_714_073_600_000
    assert found["state_bytes"] == 40_000 * 495_616 * 5
    assert found["summing_seconds"] == 19_428_147_200
    assert (found["shards"], found["part_seconds"]) == (1000, 19_428_147.2)
    assert found["merge_seconds"] == 40_000 * 495_616 * 5 / 1000
    assert (found["files"], found["merge_needs_bytes"]) == (160_000, (16 << 20) + 400_000)
    assert found["plan_power"] == pytest.approx(2.0)
    assert found["plan_seconds"] == pytest.approx(1600.0)
