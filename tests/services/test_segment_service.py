"""The one path from series to labels, with the steps around it replaced."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from desktop_app.domain.chances import CHANCE_REGIONS
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.missing import WITHOUT
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import NO_ENHANCEMENT, NO_TUMOUR_FOUND, Region
from desktop_app.domain.study import RoleProposal, Sequence, Series
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, DeviceError, InputError
from desktop_app.imaging import image_quality
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.measuring.measure import volume_intervals, volumes_mm3, voxel_counts
from desktop_app.services.opening import loaded_study
from desktop_app.services.opening.loaded_study import LoadedStudy, load_study
from desktop_app.services.preflight.pixels import look_at_pixels
from desktop_app.services.segmenting import preprocess
from desktop_app.services.segmenting.segment import (
    SegmentOptions,
    require_sequences,
    segment_study,
)
from model.architectures import CARD_SCHEMA
from model.calibration import MEASURED_REGIONS, Doubt, VolumeDoubt
from model.familiarity import Unfamiliarity
from model.messages import BrainRequest, BrainResult, InferenceRequest, InferenceResult
from model.postprocess import PostprocessSettings
from tests.study_cases import make_study, roles_of

SHAPE = (4, 5, 6)
GRID = Geometry(SHAPE, np.eye(4))
STUDY = make_study()
ROLES = roles_of(STUDY)


class FakeWorker:
    def __init__(
        self, labels: np.ndarray[Any, Any] | None = None, doubt: Doubt | None = None
    ) -> None:
        self.doubt = doubt
        self.labels = np.zeros(SHAPE, np.uint8) if labels is None else labels
        self.calls: list[str] = []
        self.request: InferenceRequest | None = None

    def warm(self, device: str, precision: str) -> None:
        self.calls.append(f"warm {device} {precision}")

    def find_brain(self, request: BrainRequest, *, token: Any = None) -> BrainResult:
        raise AssertionError("preparing is replaced as a whole")

    def segment(
        self, request: InferenceRequest, *, progress: Any = None, token: Any = None
    ) -> InferenceResult:
        self.calls.append("segment")
        self.request = request
        progress(0.5, "Window 1 of 2")
        return InferenceResult(
            self.labels,
            np.stack([np.isin(self.labels, v) for v in ((1, 3), (1, 2, 3), (3,))]).astype(
                np.float16
            ),
            device="cpu",
            precision="bf16",
            model_id="slim_unetrpp",
            weights_sha256="ab" * 32,
            seconds=1.0,
            warnings=("The device was busy.",),
            doubt=self.doubt,
        )


@pytest.fixture(autouse=True)
def _steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading gives constant volumes, preparing leaves them alone, labels come back as found."""

    def load_roles(
        roles: Mapping[Sequence, Series], *, progress: Any = None, token: Any = None
    ) -> dict[Sequence, Volume]:
        progress(1.0, "Reading")
        return {sequence: Volume(np.ones(SHAPE, np.float32), GRID) for sequence in roles}

    def prepare(
        volumes: Mapping[Sequence, Volume], *, progress: Any, token: Any, **_kwargs: Any
    ) -> PreparedStudy:
        progress(0.5, "Registering")
        image = np.zeros((4, *SHAPE), np.float32)
        for number, sequence in enumerate(Sequence):
            image[number] = sequence in volumes
        has_t1c = Sequence.T1C in volumes
        reference = Sequence.T1C if has_t1c else Sequence.FLAIR
        lacking = () if has_t1c else (f"No T1c: {WITHOUT[Sequence.T1C]}.",)
        return PreparedStudy(
            image,
            GRID,
            np.ones(SHAPE, bool),
            volumes[reference],
            reference,
            volumes,
            {},
            steps=("Prepared.",),
            warnings=("T1 is missing.", *lacking),
        )

    def to_reference(
        probabilities: np.ndarray[Any, Any],
        _: PreparedStudy,
        settings: PostprocessSettings,
        **_told: Any,
    ) -> Any:
        core, whole, enhancing = (
            channel > threshold
            for channel, threshold in zip(probabilities, settings.thresholds, strict=True)
        )
        return np.select([enhancing, core, whole], [3, 1, 2], 0).astype(np.uint8)

    monkeypatch.setattr(loaded_study, "load_roles", load_roles)
    monkeypatch.setattr(preprocess, "prepare", prepare)
    monkeypatch.setattr(preprocess, "to_reference", to_reference)


def write_card(folder: Path, name: str, postprocess: dict[str, Any]) -> None:
    (folder / f"{name}.safetensors").write_bytes(b"x")
    card = {"schema": CARD_SCHEMA, "sha256": "ab" * 32, "postprocess": postprocess}
    (folder / f"{name}.json").write_text(json.dumps(card))


@pytest.fixture
def options(tmp_path: Path) -> SegmentOptions:
    write_card(tmp_path, "slim_unetrpp", {})
    return SegmentOptions(weights_folder=tmp_path)


def some_labels() -> np.ndarray[Any, Any]:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 1, 1:4] = (1, 2, 3)
    labels[2, 2, 2] = 2
    return labels


def test_red_lights_and_suggestions_travel_into_the_result(options: SegmentOptions) -> None:
    told = "Assigned from its image alone; please check."
    roles = STUDY.roles | {Sequence.T1C: RoleProposal("t1c", 0.5, told, by_pixels=True)}
    study = replace(STUDY, roles=roles)
    warnings = segment_study(study, ROLES, options, FakeWorker()).segmentation.warnings
    assert f"T1c: {told}" in warnings
    (short,) = [w for w in warnings if "much of the brain is" in w]
    assert short.startswith("T1c: Only 5 mm")
    confirmed = segment_study(study, ROLES, options, FakeWorker(), chosen_by_user={Sequence.T1C})
    assert f"T1c: {told}" not in confirmed.segmentation.warnings


def test_labels_measurements_and_provenance_come_out(options: SegmentOptions) -> None:
    result = segment_study(STUDY, ROLES, options, FakeWorker(some_labels()))
    assert np.array_equal(result.segmentation.labels_kji, some_labels())
    assert result.segmentation.geometry is result.prepared.reference.geometry
    assert voxel_counts(result.measurements)[Region.WT] == 4
    provenance = result.segmentation.provenance
    assert (provenance.model_id, provenance.device, provenance.precision) == (
        "slim_unetrpp",
        "cpu",
        "bf16",
    )
    assert provenance.weights_sha256 == "ab" * 32
    assert provenance.steps[0] == "Prepared."
    assert {"import", "preprocess", "inference", "postprocess", "total"} == set(provenance.seconds)
    parts = sum(v for stage, v in provenance.seconds.items() if stage != "total")
    assert provenance.seconds["total"] == pytest.approx(parts)
    assert result.segmentation.warnings[-2:] == ("T1 is missing.", "The device was busy.")


def test_without_t1c_the_network_is_not_believed_what_enhances(options: SegmentOptions) -> None:
    roles = {Sequence.T2: ROLES[Sequence.T1C], Sequence.FLAIR: ROLES[Sequence.FLAIR]}
    result = segment_study(STUDY, roles, options, FakeWorker(some_labels()))
    segmentation = result.segmentation
    assert set(np.unique(segmentation.labels_kji)) == {0, 1, 2}
    assert np.count_nonzero(segmentation.labels_kji == 1) == 2
    assert WITHOUT[Sequence.T1C] in segmentation.warnings[0]
    assert NO_ENHANCEMENT not in segmentation.warnings
    assert Region.ET not in volumes_mm3(result.measurements)
    assert result.chances is not None
    assert not result.chances.array_ckji[CHANCE_REGIONS.index(Region.ET)].any()
    assert result.chances.array_ckji.any()


def test_what_the_network_says_of_its_error_comes_out(options: SegmentOptions) -> None:
    volume = VolumeDoubt(0.9, 1000.0, dict.fromkeys(MEASURED_REGIONS, 0.3), 22, 1.0)
    doubt = Doubt(volume, Unfamiliarity(0.4, "unusual: the noise or sharpness of T2"))
    result = segment_study(STUDY, ROLES, options, FakeWorker(some_labels(), doubt))
    volumes, intervals = volumes_mm3(result.measurements), volume_intervals(result.measurements)
    for region, interval in intervals.items():
        expected = volume.range_mm3(region.value, volumes[region])
        assert (interval.low, interval.high) == expected
    assert set(intervals) == set(Region)
    assert result.unfamiliarity is not None
    assert result.unfamiliarity.score == 0.4


def test_a_tumour_cut_by_the_end_of_the_images_is_told_and_has_no_range(
    options: SegmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lower part of a head, which ends within the tumour."""
    grid, array = Geometry((30, 20, 20), np.eye(4)), np.ones((30, 20, 20), np.float32)
    array[:, 2:-2, 2:-2] = 100
    image, labels = Volume(array, grid), np.zeros(grid.shape_kji, np.uint8)
    labels[20:, 8:12, 8:12] = 2
    doubt = Doubt(VolumeDoubt(0.9, 1000.0, dict.fromkeys(MEASURED_REGIONS, 0.3), 22, 1.0))

    def prepare(volumes: Mapping[Sequence, Volume], **_: Any) -> PreparedStudy:
        four = np.zeros((4, *grid.shape_kji), np.float32)
        return PreparedStudy(four, grid, array > 1, image, Sequence.T1C, volumes, {})

    def segmented(found: np.ndarray[Any, Any]) -> StudyResult:
        loaded = LoadedStudy(ROLES, dict.fromkeys(ROLES, image), 0.0)
        return segment_study(STUDY, ROLES, options, FakeWorker(found, doubt), loaded=loaded)

    monkeypatch.setattr(preprocess, "prepare", prepare)
    cut = segmented(labels)
    assert cut.segmentation.warnings[0].startswith("The tumour reaches the upper end of T1c")
    assert "T1c: The top of the head is not in the image: part of the brain may be missing." in (
        cut.segmentation.warnings
    )
    assert volume_intervals(cut.measurements) == {}
    inside = segmented(np.roll(labels, -8, axis=0))
    assert not inside.segmentation.warnings[0].startswith("The tumour reaches")
    assert volume_intervals(inside.measurements)


@pytest.mark.parametrize(("slice_mm", "is_known"), [(1.5, True), (1.6, False), (5.5, False)])
def test_slices_thicker_than_those_of_the_patients_known_have_no_ranges(
    slice_mm: float, is_known: bool, options: SegmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Geometry(SHAPE, np.diag([1.0, 1.0, slice_mm, 1.0]))
    prepare = preprocess.prepare

    def prepare_thick(*arguments: Any, **passed: Any) -> PreparedStudy:
        prepared = prepare(*arguments, **passed)
        return replace(prepared, reference=replace(prepared.reference, geometry=grid))

    monkeypatch.setattr(preprocess, "prepare", prepare_thick)
    volume = VolumeDoubt(0.9, 1000.0, dict.fromkeys(MEASURED_REGIONS, 0.3), 22, 1.0)
    result = segment_study(STUDY, ROLES, options, FakeWorker(some_labels(), Doubt(volume)))
    intervals = volume_intervals(result.measurements)
    assert bool(intervals) is is_known
    assert all(one.patients == 22 for one in intervals.values())
    said = [one for one in result.segmentation.warnings if one.startswith("No ranges of volumes")]
    assert bool(said) is not is_known
    assert all(f"{slice_mm} mm" in one for one in said)


def test_nothing_is_said_of_the_error_where_the_network_says_nothing(
    options: SegmentOptions,
) -> None:
    plain = segment_study(STUDY, ROLES, options, FakeWorker(some_labels()))
    assert volume_intervals(plain.measurements) == {}
    assert plain.unfamiliarity is None
    unlike = Doubt(None, Unfamiliarity(2.0, "the images given as T1 and T1c look exchanged"))
    flagged = segment_study(STUDY, ROLES, options, FakeWorker(some_labels(), unlike))
    assert volume_intervals(flagged.measurements) == {}
    assert flagged.unfamiliarity is not None
    assert flagged.unfamiliarity.score == 2.0


def test_no_tumour_is_said_in_words(options: SegmentOptions) -> None:
    result = segment_study(STUDY, ROLES, options, FakeWorker())
    assert result.segmentation.is_empty
    assert result.segmentation.warnings[0] == NO_TUMOUR_FOUND


def test_the_worker_gets_ready_before_the_images_are_read(options: SegmentOptions) -> None:
    worker = FakeWorker()
    segment_study(STUDY, ROLES, options, worker)
    assert worker.calls == ["warm auto auto", "segment"]


def test_the_request_carries_the_options(tmp_path: Path) -> None:
    worker = FakeWorker()
    write_card(tmp_path, "other", {})
    options = SegmentOptions("cuda:1", "fp16", "other", tmp_path)
    segment_study(STUDY, ROLES, options, worker)
    request = worker.request
    assert request is not None
    assert (request.device, request.precision) == ("cuda:1", "fp16")
    assert (request.model_name, request.weights_dir) == ("other", tmp_path)
    assert request.present == (False, True, False, True)


def test_progress_only_rises_and_names_the_stage(options: SegmentOptions) -> None:
    told: list[tuple[float, str]] = []
    segment_study(STUDY, ROLES, options, FakeWorker(), progress=lambda f, s: told.append((f, s)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] < 1
    assert "Registering" in [text for _, text in told]


def test_loaded_volumes_are_not_read_again(
    options: SegmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_study(ROLES)
    kept = LoadedStudy(loaded.roles, loaded.volumes, 12.5)
    monkeypatch.setattr(loaded_study, "load_roles", None)
    result = segment_study(STUDY, ROLES, options, FakeWorker(), loaded=kept)
    assert result.segmentation.provenance.seconds["import"] == 12.5


def test_the_model_card_decides_the_thresholds(tmp_path: Path) -> None:
    write_card(tmp_path, "slim_unetrpp", {"thresholds": {"ET": 0.9, "WT": 0.9, "TC": 0.9}})

    class Unsure(FakeWorker):
        def segment(self, *args: Any, **passed: Any) -> InferenceResult:
            found = super().segment(*args, **passed)
            return replace(found, probabilities_ckji=found.probabilities_ckji * np.float16(0.8))

    options = SegmentOptions(weights_folder=tmp_path)
    result = segment_study(STUDY, ROLES, options, Unsure(some_labels()))
    assert result.segmentation.is_empty


def test_a_missing_model_is_told_before_anything_runs(tmp_path: Path) -> None:
    worker = FakeWorker()
    with pytest.raises(InputError, match="weights"):
        segment_study(STUDY, ROLES, SegmentOptions(weights_folder=tmp_path), worker)
    assert worker.calls == []


@pytest.mark.parametrize("kept", [(Sequence.T1C,), (Sequence.T1, Sequence.T2), ()])
def test_too_few_sequences_are_refused(options: SegmentOptions, kept: tuple[Sequence, ...]) -> None:
    roles = dict.fromkeys(kept, next(iter(ROLES.values())))
    worker = FakeWorker()
    with pytest.raises(InputError) as refused:
        segment_study(STUDY, roles, options, worker)
    assert len(str(refused.value).splitlines()) == 3
    assert "FLAIR" in refused.value.title
    assert worker.calls == []


def test_a_cancel_at_the_end_still_counts(options: SegmentOptions) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        segment_study(STUDY, ROLES, options, FakeWorker(), token=token)


@pytest.mark.parametrize("error", [Cancelled(), DeviceError("Out of memory.", "", "")])
def test_nobody_waits_for_what_the_images_lack_once_the_network_has_ended(
    error: Exception, options: SegmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures, seen = threading.Event(), []

    def measure(_: Volume, *, check: Callable[[], None]) -> NoReturn:
        measures.set()
        until = time.monotonic() + 10.0
        try:
            while time.monotonic() < until:
                check()
        except Cancelled as cancelled:
            seen.append(cancelled)
            raise
        raise AssertionError("still measured")

    class Ends(FakeWorker):
        def segment(self, *_: Any, **__: Any) -> NoReturn:
            assert measures.wait(10.0)
            raise error

    monkeypatch.setattr(image_quality, "measure_quality", measure)
    with pytest.raises(type(error)):
        segment_study(STUDY, ROLES, options, Ends())
    assert len(seen) == 1


def test_what_was_measured_of_the_images_is_not_measured_again(
    options: SegmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_study(ROLES, progress=lambda *_: None)
    look_at_pixels(loaded.volumes, memory=loaded.memory)
    monkeypatch.setattr(image_quality, "measure_quality", None)
    again = load_study(ROLES, known=loaded, progress=lambda *_: None)
    assert segment_study(STUDY, ROLES, options, FakeWorker(), loaded=again)


def test_missing_sequences_are_told_in_words_for_window_and_command_line() -> None:
    with pytest.raises(InputError) as caught:
        require_sequences(STUDY, {Sequence.FLAIR: ROLES[Sequence.FLAIR]})
    assert caught.value.remedy == "Add the missing series, or choose them yourself."
