"""What makes comparing two studies doubtful, in plain sentences without names and dates."""

from collections.abc import Iterator

from desktop_app.domain.dates import DateOrder, date_order
from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.readable import readable_volume
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence, Study
from desktop_app.domain.volume import SIDES_UNKNOWN
from desktop_app.services.measuring.field_ends import is_cut_off
from desktop_app.services.opening.same_patient import PatientMatch, match_patients

ON_BORDERS = (
    "What is new or gone in a thin layer along a border comes from registration and resampling, "
    "not from the tumour. Brain that the tumour, surgery or swelling has pushed aside lies "
    "elsewhere too: no rigid motion undoes that."
)
"""What is to be said of every map of change."""

# As the registration itself takes it for certain; see `imaging.registration`.
_GOOD_SCORE = 0.7
_CLEARLY_THICKER = 1.5
_WORTH_TELLING_MM3 = 10.0
# As `Unfamiliarity` has it.
_UNLIKE_ANY = 1.0

_PATIENTS = {
    PatientMatch.UNKNOWN: "Nothing tells whether both studies are of the same patient.",
    PatientMatch.OTHER_NAME: "The patient's ID is the same in both studies, the name is another.",
    PatientMatch.OTHER_BIRTH_DATE: "The patient's date of birth is another in each study.",
    PatientMatch.OTHER_SEX: "The patient's sex is another in each study.",
}
_DATES = {
    DateOrder.SAME_DAY: "Both studies are of the same day.",
    DateOrder.LATER: "The study taken as the earlier one is dated after the current one.",
    DateOrder.UNKNOWN: "A date is missing: nothing tells which study is the earlier one.",
}


def about_patients(now: Study, earlier: Study) -> tuple[str, ...]:
    """Say what speaks against both being of one patient."""
    sentence = _PATIENTS.get(match_patients(now.patient, earlier.patient))
    return () if sentence is None else (sentence,)


def about_dates(now: Study, earlier: Study) -> tuple[str, ...]:
    """Say what speaks against one being the earlier."""
    sentence = _DATES.get(date_order(earlier.date, now.date))
    return () if sentence is None else (sentence,)


def doubts(found: FollowUp) -> tuple[str, ...]:
    """Say everything that makes a comparison doubtful."""
    now, earlier = found.now, found.earlier
    return (
        *about_patients(now.study, earlier.study),
        *about_dates(now.study, earlier.study),
        *_about_registration(found),
        *_about_sides(found),
        *_about_places(found),
        *_about_contrast(now, earlier),
        *_about_sequences(now, earlier),
        *_about_grids(now, earlier),
        *_about_ends(now, earlier),
        *_about_labels(now, earlier),
        *_about_results(now, earlier),
    )


def _about_registration(found: FollowUp) -> Iterator[str]:
    registration = found.registration
    if not registration.ok:
        yield (
            f"{registration.message} There is no map of change, and the images do not show the "
            "same place; the volumes are each study's own. Check that both show the same patient."
        )
    elif registration.score < _GOOD_SCORE:
        yield (
            f"The studies agree only moderately where they were laid on each other (score "
            f"{registration.score:.2f}): look whether they do before relying on the map of change."
        )


def _about_sides(found: FollowUp) -> Iterator[str]:
    map_too = ": what the map of change shows as new and gone may come from that alone"
    for which, one in (("current", found.now), ("earlier", found.earlier)):
        if SIDES_UNKNOWN in one.prepared.reference.notes:
            yield (
                f"Left and right of the {which} study cannot be told and may be swapped"
                f"{map_too if found.is_registered else ''}."
            )


def _about_places(found: FollowUp) -> Iterator[str]:
    whole = found.regions[Region.WT]
    if whole.voxels is None or found.earlier_on_now is None:
        return
    if whole.voxels.unseen_mm3 >= _WORTH_TELLING_MM3:
        yield (
            f"{readable_volume(whole.voxels.unseen_mm3)} cm³ of the current tumour lie where the "
            "earlier study has no image: whether they are new is not known."
        )
    if found.outside_mm3 >= _WORTH_TELLING_MM3:
        yield (
            f"{readable_volume(found.outside_mm3)} cm³ of the earlier tumour lie where the current "
            "study has no image: the map of change does not show them."
        )


def _about_sequences(now: StudyResult, earlier: StudyResult) -> Iterator[str]:
    here, there = now.prepared.volumes, earlier.prepared.volumes
    for only, which in ((set(here) - set(there), "current"), (set(there) - set(here), "earlier")):
        if only:
            names = ", ".join(one.value for one in Sequence if one in only)
            yield f"Only the {which} study was segmented with {names}: borders may differ for that."


def _about_contrast(now: StudyResult, earlier: StudyResult) -> Iterator[str]:
    unknown = (now.segmentation.unknown, earlier.segmentation.unknown)
    for which, one in zip(("current", "earlier"), unknown, strict=True):
        if one:
            yield (
                f"Without T1c nothing tells which part of the core of the {which} study enhances: "
                "only the volume of the whole tumour can be used."
            )


def _about_grids(now: StudyResult, earlier: StudyResult) -> Iterator[str]:
    here, there = (one.prepared.reference_sequence for one in (now, earlier))
    if here is not there:
        yield f"The labels are drawn on {here} now, on {there} in the earlier study."
    thick, before = (max(one.segmentation.geometry.spacing_mm) for one in (now, earlier))
    if max(thick, before) > _CLEARLY_THICKER * min(thick, before):
        yield (
            f"Slices lie {thick:.1f} mm apart now, {before:.1f} mm in the earlier study: volumes "
            "may differ for that."
        )


def _about_ends(now: StudyResult, earlier: StudyResult) -> Iterator[str]:
    for one, which in ((now, "current"), (earlier, "earlier")):
        if is_cut_off(one.segmentation.warnings):
            yield (
                f"The {which} study's image ends within the tumour: its volumes are too small, and "
                "the change is not the tumour's alone."
            )


def _about_labels(now: StudyResult, earlier: StudyResult) -> Iterator[str]:
    here, there = now.segmentation.provenance, earlier.segmentation.provenance
    for one, which in ((here, "current"), (there, "earlier")):
        if one.labels_of:
            yield f"Another program made the {which} labels."
        elif not one.is_known:
            yield f"It is not known which network made the {which} labels."
    is_same = here.weights_sha256 == there.weights_sha256 and here.model_id == there.model_id
    if here.is_known and there.is_known and not is_same:
        names = f"{there.model_id}, now {here.model_id}"
        other = names if here.model_id != there.model_id else f"other weights of {here.model_id}"
        yield f"The earlier labels are of another network: {other}."
    if here.edited and there.edited:
        yield "The labels of both studies were corrected by a person."
    elif here.edited or there.edited:
        which, beside = ("current", there) if here.edited else ("earlier", here)
        only = "Only the" if beside.is_known else "The"
        yield f"{only} {which} study's labels were corrected by a person."


def _about_results(now: StudyResult, earlier: StudyResult) -> Iterator[str]:
    for which, result in (("current", now), ("earlier", earlier)):
        if result.segmentation.is_empty:
            yield f"No tumour is marked in the {which} study: a person must check."
        unlike = result.unfamiliarity
        if unlike is not None and unlike.score > _UNLIKE_ANY:
            yield (
                f"The {which} study does not look like those the network learned from "
                f"({unlike.reason}): its labels, and so any change, are less certain."
            )
