"""The benchmark measures what it says; how long it took is nobody's test."""

import json
import subprocess
import sys
from dataclasses import asdict

import bench as command_bench
import numpy as np
import psutil
import pytest

from model.bench.__main__ import _parser, machine
from model.bench.measure import Job, brain_shaped_image, measure_size
from model.bench.networks import OURS, PUBLISHED, peers


def test_parameters_and_operations_of_known_networks():
    # Both figures as published for MONAI's BraTS bundle.
    figures = measure_size(Job("size", network="SegResNet 16"))
    assert figures["parameters"] == 4_702_227
    assert figures["gmac"] == pytest.approx(148.0, abs=0.1)


def test_operations_grow_with_the_volume():
    small = measure_size(Job("size", network=PUBLISHED, side=64))
    large = measure_size(Job("size", network=PUBLISHED, side=128))
    assert small["parameters"] == large["parameters"]
    assert large["gmac"] / small["gmac"] == pytest.approx(8, rel=0.15)


def test_the_shipped_architecture_is_measured_where_there_are_no_weights(tmp_path):
    job = Job("size", network=OURS, weights_dir=str(tmp_path), model_name="none", side=64)
    assert measure_size(job)["parameters"] > 1e6


def test_a_measurement_runs_in_a_process_of_its_own(repository_root):
    job = Job("patch", network=PUBLISHED, side=64, precision="fp32")
    answer = subprocess.run(
        [sys.executable, "-m", "model.bench.measure", json.dumps(asdict(job))],
        cwd=repository_root,
        capture_output=True,
        check=True,
    )
    figures = json.loads(answer.stdout)
    assert figures["seconds"] > 0
    assert figures["cpu_seconds"] > 0
    assert 1e8 < figures["peak_bytes"] < 4e9


def test_peers_are_those_of_the_field():
    assert set(peers(128)) == {
        PUBLISHED,
        "SegResNet 16",
        "DynUNet (nnU-Net)",
        "UNETR",
        "Swin UNETR 48",
    }


def test_the_made_up_patient_has_a_brains_size():
    image = brain_shaped_image()
    assert image.shape == (4, 155, 240, 240)
    assert image.dtype == np.float32
    litres = np.count_nonzero(image[0]) / 1e6
    assert 1.2 < litres < 2.0
    assert not image[:, 0].any()


def test_options():
    options = _parser().parse_args([])
    assert (options.peers, options.json, options.data, options.side) == (False, False, None, 128)
    assert machine()["physical_cores"] == psutil.cpu_count(logical=False)


def test_memory_of_a_process_with_its_children():
    code = (
        "import subprocess, sys; held = bytearray(60_000_000);"
        "subprocess.run([sys.executable, '-c', 'held = bytearray(60_000_000); input()'])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        peak = 0
        while process.poll() is None and peak < 120_000_000:
            peak = max(peak, command_bench.tree_bytes(process.pid))
        assert peak >= 120_000_000
    finally:
        process.communicate(b"\n")
    assert command_bench.tree_bytes(process.pid) == 0


def test_the_command_is_printed_beside_its_aims(capsys, tmp_path):
    stages = {"import": 1.0, "preprocess": 2.0, "inference": 3.0, "total": 6.0}
    figures = command_bench.CommandFigures(stages, 7.5, 11.25, 1_900_000_000)
    command_bench.print_command(figures, tmp_path)
    printed = capsys.readouterr().out
    for expected in ("3.00 s", "≤ 5 s", "7.50 s", "≤ 15 s", "11.25 s", "1.90 GB", "≤ 2.5 GB"):
        assert expected in printed


def test_a_command_that_fails_ends_the_benchmark_with_its_code(tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        command_bench.time_command(tmp_path, [])
    assert ended.value.code == 3
    assert len(capfd.readouterr().err.strip().splitlines()) == 3
