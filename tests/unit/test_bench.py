"""The benchmark measures what it says; how long it took is nobody's test."""

import io
import json
import subprocess
import sys
from dataclasses import asdict, replace

import bench as command_bench
import numpy as np
import psutil
import pytest
import torch
from monai.inferers.utils import sliding_window_inference
from rich.console import Console

from model.bench import __main__ as bench_main
from model.bench import measure
from model.bench.__main__ import _OLDER_PC, Bench, Plan, _parser, machine
from model.bench.limits import Traffic, matrix_rate, memory_bandwidth
from model.bench.measure import Job, brain_shaped_image, measure_patch, measure_size
from model.bench.networks import (
    BUNDLE,
    HEAVIER,
    INSTALLED,
    OURS,
    PUBLISHED,
    contender,
    ours,
    peers,
    shipped_settings,
)
from model.bench.tables import Row, as_document, estimated, limits_of, print_tables, window_count
from model.inference import Segmenter
from model.inference.settings import InferenceSettings
from model.messages import Precision
from model.network import BOUNDARY, SlimUNETRpp, SlimUNETRppConfig
from model.weights import save_network

NOWHERE = {"weights_dir": "nowhere", "model_name": "none"}
LIMITS = {"fp32_flops": 100e9, "bf16_flops": 400e9, "bandwidth": 20e9}


def figures(seconds, **more):
    return {"seconds": seconds, "cpu_seconds": 2 * seconds, "peak_bytes": 1e9, **more}


def sized(seconds, **more):
    return figures(seconds, parameters=5e6, gmac=10.0, **more)


@pytest.fixture
def rows():
    return [
        Row(
            OURS,
            {
                "fp32": sized(0.4, traffic_bytes=4e9),
                "bf16": sized(0.1, traffic_bytes=2e9),
            },
            {"windows of 128³": figures(0.5, precision="bf16"), "whole": figures(0.25)},
        ),
        Row(
            BUNDLE,
            {"fp32": sized(3.0, traffic_bytes=9e9)},
            {"≈ 18 × one window": estimated(figures(3.0), 128)},
            is_peer=True,
        ),
    ]


def test_parameters_and_operations_of_known_networks():
    # Both figures as published for MONAI's BraTS bundle.
    found = measure_size(Job("size", network="SegResNet 16", **NOWHERE))
    assert found["parameters"] == 4_702_227
    assert found["gmac"] == pytest.approx(148.0, abs=0.1)


def test_operations_grow_with_the_volume():
    small = measure_size(Job("size", network=PUBLISHED, side=64, **NOWHERE))
    large = measure_size(Job("size", network=PUBLISHED, side=128, **NOWHERE))
    assert small["parameters"] == large["parameters"]
    assert large["gmac"] / small["gmac"] == pytest.approx(8, rel=0.15)


def test_the_installed_network_is_a_row_where_it_is_another(tmp_path):
    names = [network.name for network in ours(tmp_path, "none")]
    assert names == [OURS, PUBLISHED, HEAVIER]
    for config, is_row in ((BOUNDARY, False), (SlimUNETRppConfig(kernel_size=3), True)):
        save_network(tmp_path, "mine", config, SlimUNETRpp(config).state_dict(), {})
        assert (INSTALLED in [network.name for network in ours(tmp_path, "mine")]) is is_row
    assert contender(INSTALLED, tmp_path, "mine").config == SlimUNETRppConfig(kernel_size=3)


def test_a_measurement_runs_in_a_process_of_its_own(repository_root):
    job = Job("patch", network=PUBLISHED, side=64, precision="fp32", budget_s=0.1, **NOWHERE)
    answer = subprocess.run(
        [sys.executable, "-m", "model.bench.measure", json.dumps(asdict(job))],
        cwd=repository_root,
        capture_output=True,
        check=True,
    )
    found = json.loads(answer.stdout)
    assert found["seconds"] > 0
    assert found["cpu_seconds"] > 0
    assert 1e8 < found["peak_bytes"] < 4e9
    assert found["traffic_bytes"] > 1e7
    assert found["parameters"] > 2e6


def test_a_peer_is_measured_in_either_format():
    for precision in ("fp32", "bf16"):
        job = Job("patch", network="SegResNet 16", side=32, precision=precision, **NOWHERE)
        found = measure_patch(replace(job, budget_s=0.01))
        assert found["seconds"] > 0
        assert found["traffic_bytes"] > 32**3 * 4 * (4 if precision == "fp32" else 2)


def test_a_peer_looks_at_a_whole_patient(monkeypatch):
    monkeypatch.setattr(measure, "SHAPE_KJI", (32, 40, 48))
    job = Job("sliding", network="SegResNet 16", side=32, **NOWHERE)
    found = measure.measure_sliding(job)
    assert found["seconds"] > 0
    assert found["peak_bytes"] > 1e8


@pytest.mark.parametrize("network", [OURS, PUBLISHED])
def test_a_patient_is_measured_without_weights(network, monkeypatch):
    looked = []

    class Spied(Segmenter):
        def __init__(self, inference):
            looked.append((inference.window, inference.mirror))
            super().__init__(inference)

    monkeypatch.setattr(measure, "Segmenter", Spied)
    small = np.random.default_rng(0).uniform(50, 200, (4, 64, 64, 64)).astype(np.float32)
    monkeypatch.setattr(measure, "brain_shaped_image", lambda: small)
    window = "64" if network == OURS else "whole"
    job = Job("patient", network=network, window=window, mirror=network == OURS, **NOWHERE)
    found = measure.measure_patient(job)
    assert looked == [(64, True) if network == OURS else (None, False)]
    assert found["first_seconds"] >= found["seconds"] > 0
    assert (found["device"], found["precision"]) == ("cpu", "fp32")


def test_peers_are_those_of_the_field():
    names = [peer.name for peer in peers()]
    assert names == ["SegResNet 16", "DynUNet (nnU-Net)", "UNETR", "Swin UNETR 48"]


def test_windows_are_counted_as_monai_lays_them():
    calls = []

    def network(patch):
        calls.append(patch.shape)
        return patch

    for shape, side in (((155, 240, 240), 128), ((40, 70, 33), 32)):
        calls.clear()
        sliding_window_inference(torch.zeros(1, 1, *shape), (side,) * 3, 1, network, overlap=0.5)
        assert window_count(side, shape) == len(calls)
    assert window_count(128) == 18


def test_what_a_window_takes_gives_a_patient():
    found = estimated(figures(2.0), 128)
    assert (found["seconds"], found["windows"], found["estimated"]) == (36.0, 18, 1)


def test_distance_from_the_limits(rows):
    found = limits_of(rows[0], LIMITS)
    assert found["bf16"]["of_matrix_rate"] == pytest.approx(20e9 / 0.1 / 400e9)
    assert found["fp32"]["of_bandwidth"] == pytest.approx(4e9 / 0.4 / 20e9)
    assert limits_of(rows[1], LIMITS)["fp32"]["of_matrix_rate"] == pytest.approx(20e9 / 3 / 100e9)


def test_the_table_holds_times_and_ratios(rows):
    console = Console(record=True, width=140, file=io.StringIO())
    print_tables(console, machine(bf16=False), LIMITS, rows, 128)
    printed = console.export_text()
    for expected in (
        "30.0",
        "108.0",
        "54.00",
        "≈ 18 × one",
        BUNDLE,
        "0.100",
        "AVX2",
        "18 windows",
        "128³, bf16",
    ):
        assert expected in printed
    document = json.loads(json.dumps(as_document(machine(), LIMITS, rows)))
    assert document["networks"][1]["patient_ratio"] == pytest.approx(108)
    assert document["networks"][0]["patch_ratio"] == 1
    assert document["networks"][0]["patients"]["whole"]["seconds"] == 0.25


@pytest.fixture
def asked(monkeypatch):
    """What is measured, without measuring it."""
    found = []

    def in_process(job, environment):
        window = f" {job.window}" if job.kind == "patient" else ""
        found.append(f"{job.kind} {job.precision}{window}")
        held = all(environment.get(key) == value for key, value in _OLDER_PC.items())
        found.append("held" if held else "free")
        return sized(1.0)

    monkeypatch.setattr(bench_main, "_in_process", in_process)
    monkeypatch.setattr(bench_main, "best_precision", lambda _device: Precision.BF16)
    return found


@pytest.mark.parametrize(
    ("plan", "peer", "kinds"),
    [
        (Plan(quick=False, full=False, bf16=True), 0, ["patch fp32", "patch bf16", "sliding fp32"]),
        (Plan(quick=False, full=False, bf16=True), 3, ["patch fp32", "patch bf16"]),
        (Plan(quick=True, full=False, bf16=True), 0, ["patch fp32"]),
        (Plan(quick=False, full=True, bf16=False), 3, ["patch fp32", "sliding fp32"]),
    ],
)
def test_what_is_measured_of_a_peer(plan, peer, kinds, asked):
    told = Console(file=io.StringIO())
    row = Bench(plan, Job("size", **NOWHERE), told).row(peers()[peer])
    assert asked[::2] == kinds
    assert set(asked[1::2]) == {"free" if plan.bf16 else "held"}
    assert row.is_peer
    measured = [not figures.get("estimated") for figures in row.patients.values()]
    assert measured == ([True, False] if "sliding fp32" in kinds else [False])
    assert told.file.getvalue().count("\n") == len(kinds)


def test_ours_is_measured_as_shipped_and_the_other_way(asked, tmp_path):
    bench = Bench(
        Plan(quick=True, full=False, bf16=True),
        Job("size", weights_dir=str(tmp_path), model_name="mine"),
        Console(file=io.StringIO()),
    )
    shipped, _published, heavier = ours(tmp_path, "mine")
    assert list(bench.row(shipped).patients) == ["windows of 128³", "whole"]
    assert list(bench.row(heavier).patients) == ["windows of 128³"]
    details = {"inference": {"window": None, "mirror": True}}
    save_network(tmp_path, "mine", BOUNDARY, SlimUNETRpp(BOUNDARY).state_dict(), details)
    assert shipped_settings(BOUNDARY, tmp_path, "mine") == InferenceSettings(None, mirror=True)
    row = bench.row(shipped)
    assert list(row.patients) == ["whole and its mirror image", "whole", "windows of 128³"]
    assert not row.is_peer
    assert "patient bf16 whole" in asked
    bench.limits()
    assert "limits bf16" in asked


def test_bf16_is_left_out_where_the_processor_emulates_it(asked, monkeypatch):
    monkeypatch.setattr(bench_main, "best_precision", lambda _device: Precision.FP32)
    plan = Plan(quick=False, full=False, bf16=True)
    bench = Bench(plan, Job("size", **NOWHERE), Console(file=io.StringIO()))
    bench.limits()
    bench.row(peers()[1])
    assert asked[::2] == ["limits fp32", "patch fp32"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_limits_are_those_of_the_formats_asked_for(precision, rows, monkeypatch):
    monkeypatch.setattr(
        measure, "matrix_rate", lambda _device, dtype: 4e11 if dtype == torch.bfloat16 else 1e11
    )
    monkeypatch.setattr(measure, "memory_bandwidth", lambda _device: 2e10)
    limits = measure.measure_limits(Job("limits", precision=precision, **NOWHERE))
    measured = {name: rows[0].patches[name] for name in {"fp32", precision}}
    console = Console(record=True, width=140, file=io.StringIO())
    print_tables(console, machine(), limits, [replace(rows[0], patches=measured)], 128)
    printed = console.export_text()
    assert "100 GFLOP/s in fp32" in printed
    assert ("400 in bf16" in printed) is (precision == "bf16")


def test_a_failing_measurement_is_told(monkeypatch, capsys):
    def in_process(job, environment):
        raise subprocess.CalledProcessError(1, "measure", stderr="no such layer")

    monkeypatch.setattr(bench_main, "_in_process", in_process)
    assert bench_main.main([]) == 4
    assert "no such layer" in capsys.readouterr().err


def test_limits_of_the_machine_and_traffic_of_operations():
    device = torch.device("cpu")
    assert matrix_rate(device, torch.float32) > 1e8
    assert memory_bandwidth(device) > 1e7
    x = torch.zeros(1000)
    with Traffic() as traffic:
        x.view(10, 100)  # moves nothing
        x + 1
    assert traffic.bytes == 8000


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
    assert (options.quick, options.full, options.bf16) == (False, False, True)
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
