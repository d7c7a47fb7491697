"""Series without any hint in their headers: named by their pixels, or asked for; never silent."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.study import Sequence, Study
from desktop_app.errors import InputError
from desktop_app.imaging.contrast_evidence import BrainLook, brain_looks
from desktop_app.imaging.sequence_pixels import PairFeatures, compare_pairs
from desktop_app.services.opening.import_study import choose_roles, open_path
from desktop_app.services.opening.nameless_series import can_name, series_without_hint
from desktop_app.services.opening.sequence_naming import completed, name_images
from tests.mr_files import pattern, write_series
from tests.nameless_cases import FILES, nameless_images, write_nameless

Images = dict[Sequence, np.ndarray]


@pytest.fixture(scope="module")
def images() -> Images:
    return nameless_images()


@pytest.fixture(scope="module")
def looks(images: Images) -> dict[str, BrainLook]:
    brain = np.logical_or.reduce([image != 0 for image in images.values()])
    found = brain_looks(images, brain)
    return {name: found[sequence] for name, sequence in FILES.items()}


@pytest.fixture(scope="module")
def pairs(looks: dict[str, BrainLook]) -> PairFeatures:
    return compare_pairs(looks)


@pytest.fixture(scope="module")
def nameless(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nameless") / "head"
    write_nameless(images, folder)
    return folder


def study_of(folder: Path) -> Study:
    return open_path(folder, use_cache=False).studies[0]


def test_four_images_are_named_by_what_they_show(pairs: PairFeatures) -> None:
    found = name_images(pairs, {}, sorted(FILES))
    assert {image: sequence for sequence, image in found.items()} == FILES


def test_known_images_keep_their_name(pairs: PairFeatures) -> None:
    found = name_images(pairs, {Sequence.T2: "a", Sequence.FLAIR: "c"}, ["b", "d"])
    assert found == {Sequence.T1: "b", Sequence.T1C: "d"}


def test_fewer_than_four_images_get_no_name(looks: dict[str, BrainLook]) -> None:
    three = compare_pairs({name: looks[name] for name in ("a", "b", "c")})
    assert name_images(three, {}, ["a", "b", "c"]) == {}


def test_the_name_that_is_left_is_not_given_to_whatever_is_left(
    looks: dict[str, BrainLook],
) -> None:
    # A T1 twice, the second where T1c is missing; a T2 twice, where FLAIR is.
    for twin, missing in (("b", Sequence.T1C), ("a", Sequence.FLAIR)):
        known = {sequence: name for name, sequence in FILES.items() if sequence is not missing}
        seen = {name: looks[name] for name in known.values()} | {"twin": looks[twin]}
        assert name_images(compare_pairs(seen), known, ["twin"]) == {}


def test_files_without_a_name_become_a_suggestion(nameless: Path) -> None:
    study = study_of(nameless)
    assert study.roles == {}
    found = completed(study, {})
    named, roles = found.study, found.roles
    assert {Path(one.series_uid).name[0]: role for role, one in roles.items()} == FILES
    assert all(proposal.by_pixels for proposal in named.roles.values())
    assert all("please check" in proposal.reason for proposal in named.roles.values())
    assert choose_roles(named) == roles
    assert found.loaded is not None
    assert dict(found.loaded.roles) == roles
    shown = {sequence: Path(one.source).name[0] for sequence, one in found.loaded.volumes.items()}
    assert {name: sequence for sequence, name in shown.items()} == FILES


def test_what_the_user_left_out_is_not_filled(nameless: Path) -> None:
    study = study_of(nameless)
    assert not can_name(study, {}, {Sequence.T1})
    same = completed(study, {}, chosen_by_user={Sequence.T1})
    assert same.study is study
    assert same.roles == {}
    assert same.loaded is None


def test_it_is_asked_where_the_images_do_not_tell(nameless: Path, tmp_path: Path) -> None:
    # The T1 twice, and no T1c.
    for name, source in {"a": "a", "b": "b", "c": "a", "d": "b"}.items():
        (tmp_path / f"{name}.nii.gz").write_bytes((nameless / f"{source}.nii.gz").read_bytes())
    study = study_of(tmp_path)
    with pytest.raises(InputError, match="images do not tell what they are") as caught:
        completed(study, {})
    assert "--t1c SERIES" in str(caught.value)


def test_only_series_without_timing_and_words_count(tmp_path: Path) -> None:
    plain = {"RepetitionTime": None, "EchoTime": None, "ScanningSequence": None}
    array = pattern((24, 20, 20))
    kinds = {
        "bare": {},
        "worded": {"SeriesDescription": "t1_tra"},
        "diffusion": {"DiffusionBValue": 1000.0},
        "proton density": {"RepetitionTime": 3000, "EchoTime": 20},
    }
    for number, (name, header) in enumerate(kinds.items(), start=1):
        write_series(
            tmp_path / name,
            array,
            name,
            spacing_mm=(5.0, 5.0, 5.0),
            **{**plain, "SeriesNumber": number, **header},
        )
    study = study_of(tmp_path)
    assert [one.number for one in series_without_hint(study, {})] == [1]
    taken = {Sequence.T1: next(one for one in study.series if one.number == 1)}
    assert series_without_hint(replace(study, roles={}), taken) == ()
