"""The benchmark's results and how they are printed."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from model.bench.measure import SHAPE_KJI, Figures
from model.bench.networks import OURS
from model.messages import Precision

# The least part of a window that MONAI's stock sliding window moves on by.
_OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One network's figures.

    Parameters
    ----------
    network
        Its name.
    patches
        By precision, see `model.bench.measure.measure_patch`.
    patients
        By how the network looks at one, see `measure_patient` and `measure_sliding`: ours as
        shipped first; ``estimated`` is 1 where the seconds are those of one window times the
        number of windows.
    is_peer
        Whether it is run as its library leaves it, not as the product runs its own.
    """

    network: str
    patches: dict[str, Figures]
    patients: dict[str, Figures]
    is_peer: bool = False

    @property
    def patch_seconds(self) -> float:
        """Seconds of a patch: ours in the faster format, peers as their library leaves them."""
        if not self.is_peer:
            return min(float(figures["seconds"]) for figures in self.patches.values())
        return float(self.patches[Precision.FP32]["seconds"])

    @property
    def patient_seconds(self) -> float:
        """Seconds of a patient: ours as shipped, peers measured where they were."""
        return float(next(iter(self.patients.values()))["seconds"])


def window_count(side: int, shape_kji: tuple[int, int, int] = SHAPE_KJI) -> int:
    """Return how many windows MONAI's sliding window puts over a patient."""
    step, count = int(side * (1 - _OVERLAP)), 1
    for length in shape_kji:
        count *= max(0, -(-(length - side) // step)) + 1
    return count


def estimated(patch: Figures, side: int) -> Figures:
    """Return a patient's figures from those of one window, leaving out all but the network."""
    windows = window_count(side)
    return {
        "seconds": float(patch["seconds"]) * windows,
        "cpu_seconds": float(patch["cpu_seconds"]) * windows,
        "windows": windows,
        "estimated": 1,
    }


def limits_of(row: Row, limits: Figures) -> dict[str, Figures]:
    """Return by precision how much of the machine a network makes use of.

    Returns
    -------
    dict
        ``flops`` and ``bytes`` a second, and each as a fraction of what was measured.
    """
    found: dict[str, Figures] = {}
    for precision, figures in row.patches.items():
        seconds = float(figures["seconds"])
        flops = 2e9 * float(figures["gmac"]) / seconds
        traffic = float(figures["traffic_bytes"]) / seconds
        found[precision] = {
            "flops": flops,
            "of_matrix_rate": flops / float(limits[f"{precision}_flops"]),
            "bytes": traffic,
            "of_bandwidth": traffic / float(limits["bandwidth"]),
        }
    return found


def as_document(machine: dict[str, Any], limits: Figures, rows: list[Row]) -> dict[str, Any]:
    """Return everything as JSON."""
    return {
        "schema": "gliascope/benchmark/2",
        "machine": machine,
        "limits": limits,
        "networks": [
            {**asdict(row), **_ratios(row, rows), "limits": limits_of(row, limits)} for row in rows
        ],
    }


def print_tables(
    console: Console, machine: dict[str, Any], limits: Figures, rows: list[Row], side: int
) -> None:
    """Print what was measured."""
    load = "" if machine["load"] is None else f", load {machine['load']:.1f}"
    instructions = f", {machine['instructions']}" if machine["instructions"] else ""
    console.print(
        f"{machine['physical_cores']} cores ({machine['processor']}{instructions}){load}; "
        f"{machine['device']}",
        markup=False,
    )
    console.print(_networks_table(rows, side))
    console.print(
        f"Seconds for 4 × {side}³ voxels, the fastest run. ×: the time of {OURS} in its faster "
        "format, that many times; ours in their faster format, peers in fp32 as MONAI leaves them."
    )
    console.print(_patients_table(rows))
    console.print(
        f"{' × '.join(map(str, reversed(SHAPE_KJI)))} voxels. Ours from raw intensities to labels, "
        f"the network loaded, first as shipped; peers {window_count(side)} windows of {side}³, "
        f"overlap {_OVERLAP}, fp32, the network and what joins the windows. ≈: not measured but "
        f"the time of one window, times {window_count(side)}; nothing is added for joining them. "
        f"×: the time of {OURS} as shipped, that many times."
    )
    console.print(_limits_table(rows, limits))
    rounded = f", {float(limits['bf16_flops']) / 1e9:.0f} in bf16" if "bf16_flops" in limits else ""
    console.print(
        f"Measured here: matrices {float(limits['fp32_flops']) / 1e9:.0f} GFLOP/s in fp32"
        f"{rounded}; memory {float(limits['bandwidth']) / 1e9:.1f} GB/s. Bytes are those that the "
        "operations read and write; what a cache keeps in between counts too and can pass 100 %."
    )


def _networks_table(rows: list[Row], side: int) -> Table:
    formats = list(dict.fromkeys(precision for row in rows for precision in row.patches))
    table = Table(title="Seconds and memory, one patch", title_justify="left")
    table.add_column("network", no_wrap=True)
    headings = ["M parameters", f"GFLOP at {side}³"]
    headings += [f"patch {precision} s" for precision in formats]
    for heading in (*headings, "peak GB", "×"):
        table.add_column(heading, justify="right")
    for row in rows:
        size, ratios = next(iter(row.patches.values())), _ratios(row, rows)
        table.add_row(
            row.network,
            f"{float(size['parameters']) / 1e6:.2f}",
            f"{2 * float(size['gmac']):.1f}",
            *(_seconds(row.patches.get(precision)) for precision in formats),
            f"{max(float(f['peak_bytes']) for f in row.patches.values()) / 1e9:.2f}",
            f"{ratios['patch_ratio']:.1f}",
        )
    return table


def _patients_table(rows: list[Row]) -> Table:
    table = Table(title="Seconds and memory, one patient", title_justify="left")
    table.add_column("network", no_wrap=True)
    table.add_column("looks at", no_wrap=True)
    for heading in ("s", "peak GB", "×"):
        table.add_column(heading, justify="right")
    base = _base(rows).patient_seconds
    for row in rows:
        for way, figures in row.patients.items():
            seconds = float(figures["seconds"])
            peak = f"{float(figures['peak_bytes']) / 1e9:.2f}" if "peak_bytes" in figures else ""
            precision = figures.get("precision", Precision.FP32)
            name = f"{way}, {precision}"
            table.add_row(row.network, name, f"{seconds:.2f}", peak, f"{seconds / base:.1f}")
    return table


def _limits_table(rows: list[Row], limits: Figures) -> Table:
    table = Table(title="How far from the machine's limits, one patch", title_justify="left")
    table.add_column("network", no_wrap=True)
    for heading in ("format", "GFLOP/s", "of matrix rate", "GB/s", "of bandwidth"):
        table.add_column(heading, justify="right")
    for row in rows:
        for precision, figures in limits_of(row, limits).items():
            table.add_row(
                row.network,
                precision,
                f"{float(figures['flops']) / 1e9:.0f}",
                f"{float(figures['of_matrix_rate']):.0%}",
                f"{float(figures['bytes']) / 1e9:.1f}",
                f"{float(figures['of_bandwidth']):.0%}",
            )
    return table


def _seconds(figures: Figures | None) -> str:
    return "" if figures is None else f"{float(figures['seconds']):.3f}"


def _ratios(row: Row, rows: list[Row]) -> dict[str, float]:
    base = _base(rows)
    return {
        "patch_ratio": row.patch_seconds / base.patch_seconds,
        "patient_ratio": row.patient_seconds / base.patient_seconds,
    }


def _base(rows: list[Row]) -> Row:
    return next(one for one in rows if one.network == OURS)
