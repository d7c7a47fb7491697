"""Series that no header tells anything of: named by their pixels, where these are clear.

A name given so is a suggestion. It is told as one wherever it is shown, it travels into every
result, and where the images could be named in more than one way nothing is suggested at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from desktop_app.domain.study import RoleProposal, Sequence, Series, Study
from desktop_app.errors import InputError
from desktop_app.imaging.contrast_evidence import BrainLook, brain_looks
from desktop_app.imaging.contrast_weights import WEIGHTS
from desktop_app.imaging.sequence_pixels import (
    Naming,
    PairFeatures,
    Weights,
    compare_pairs,
    score_namings,
)
from desktop_app.io.scan import title_of
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.opening.loaded_study import LoadedStudy, load_study
from desktop_app.services.opening.nameless_series import can_name, series_without_hint
from desktop_app.services.segmenting.alignment import align
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.segmenting.segment import is_enough
from desktop_app.services.segmenting.stages import Stages

# Log-likelihood by which the best naming has to beat every one that names an image otherwise. Of
# people left out of the fit none is named wrongly with it; see docs/SEQUENCES.md.
SURE_OF_NAME = 3.0
# The same where names that are known count for nothing.
BORNE_OUT = 1.0
# Less than any header: the pixels' second look may still refuse it.
NAMED_CONFIDENCE = 0.5
NAMED_REASON = "Assigned from its image alone; please check."

_STAGE_SECONDS = {"import": 2.0, "preprocess": 8.0}
_LOOKING = "Looking at images without a description"


@dataclass(frozen=True, slots=True, eq=False)
class NamedStudy:
    """What a study's series are, once the pixels were asked.

    Parameters
    ----------
    study
        With the suggestions among its proposals.
    roles
        With the series suggested.
    loaded
        The voxels of those; ``None`` where there was nothing to ask.
    """

    study: Study
    roles: dict[Sequence, Series]
    loaded: LoadedStudy | None = None


def completed(
    study: Study,
    roles: Mapping[Sequence, Series],
    *,
    network: BrainNetwork | None = None,
    loaded: LoadedStudy | None = None,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> NamedStudy:
    """Fill missing sequences with series that no header tells anything of, where pixels are clear.

    Reads, registers and strips the series; as slow as preparing a study. Does nothing where
    nothing can be told.

    Parameters
    ----------
    network
        Outlines the brain, as for segmenting; without it the classical method does.
    loaded
        Voxels of `roles` read before; they are then not read again.
    chosen_by_user
        Sequences that stay as they are, those among them that were left out too.

    Raises
    ------
    InputError
        If a series cannot be loaded, or too few sequences are known and the images do not tell.
    Cancelled
        If `token` was cancelled.
    """
    left_out = set(chosen_by_user) - set(roles)
    if not can_name(study, roles, left_out):
        return NamedStudy(study, dict(roles))
    unknown = series_without_hint(study, roles)
    # Under which name an image is prepared makes no difference to what is seen of it; T1c is what
    # the others are registered to.
    free = sorted(set(Sequence) - set(roles), key=lambda one: one is not Sequence.T1C)
    given = {**roles, **dict(zip(free, _finest_first(unknown), strict=False))}
    stages = Stages(_STAGE_SECONDS, progress)
    with stages.stage("import", "Reading the images") as report:
        everything = _load(given, loaded, report, token)
    with stages.stage("preprocess", _LOOKING) as report:
        seen = _seen(everything, network, report, token)
    known = {sequence: one.series_uid for sequence, one in roles.items() if one.series_uid in seen}
    waiting = [one.series_uid for one in unknown if one.series_uid in seen]
    named = {
        sequence: uid
        for sequence, uid in name_images(compare_pairs(seen), known, waiting).items()
        if sequence not in left_out
    }
    proposals = {
        sequence: RoleProposal(uid, NAMED_CONFIDENCE, NAMED_REASON, by_pixels=True)
        for sequence, uid in named.items()
    }
    found = {**roles, **{sequence: study.series_by_uid(uid) for sequence, uid in named.items()}}
    _refuse_too_few(study, found, unknown)
    found = {sequence: found[sequence] for sequence in Sequence if sequence in found}
    return NamedStudy(
        replace(study, roles={**study.roles, **proposals}), found, everything.serving_as(found)
    )


def name_images(
    pairs: PairFeatures, known: Naming, unknown: Collection[str], weights: Weights = WEIGHTS
) -> dict[Sequence, str]:
    """Return the images that only one name fits.

    Parameters
    ----------
    pairs
        Of all images, registered to each other.
    known, unknown
        Those with a name, which they keep, and those without.
    weights
        Coefficients of each test.
    """
    if not unknown or len(known) + len(unknown) != len(Sequence):
        return {}
    kept = score_namings(pairs, unknown, known, weights)
    # The last name that is left fits everything, so it has to be borne out without the others.
    free = score_namings(pairs, [*known.values(), *unknown], {}, weights)
    return {
        sequence: image
        for sequence, image in kept.best().items()
        if image in unknown
        and kept.margin(image) >= SURE_OF_NAME
        and free.best()[sequence] == image
        and free.margin(image) >= BORNE_OUT
    }


def _finest_first(series: Collection[Series]) -> list[Series]:
    """Sort by the thickness of the slices."""

    def thickness_mm(one: Series) -> float:
        return float(np.inf) if one.geometry is None else max(one.geometry.spacing_mm)

    return sorted(series, key=lambda one: (thickness_mm(one), one.number))


def _load(
    given: Mapping[Sequence, Series],
    loaded: LoadedStudy | None,
    progress: ProgressCallback,
    token: CancelToken,
) -> LoadedStudy:
    """Return the voxels of all series, those read before as they are."""
    before = {} if loaded is None else loaded.volumes
    missing = {sequence: one for sequence, one in given.items() if sequence not in before}

    def report(fraction: float, _stage: str) -> None:
        # Their names are for the moment only.
        progress(fraction, "Reading the images")

    read = load_study(missing, progress=report, token=token)
    seconds = read.seconds + (0.0 if loaded is None else loaded.seconds)
    return LoadedStudy(dict(given), {**before, **read.volumes}, seconds)


def _seen(
    loaded: LoadedStudy,
    network: BrainNetwork | None,
    progress: ProgressCallback,
    token: CancelToken,
) -> dict[str, BrainLook]:
    """Return what the series show, by their UID; nothing of what cannot be registered."""

    def report(fraction: float, _stage: str) -> None:
        # What is done to each image would be told under a name that it has for the moment only.
        progress(fraction, _LOOKING)

    prepared = align(
        loaded.volumes, network=network, memory=loaded.memory, progress=report, token=token
    )
    looks = brain_looks(prepared.channels, prepared.brain_kji)
    return {loaded.roles[sequence].series_uid: look for sequence, look in looks.items()}


def _refuse_too_few(
    study: Study, roles: Mapping[Sequence, Series], unknown: Collection[Series]
) -> None:
    """Ask, where the sequences known and named are too few to segment."""
    if is_enough(roles):
        return
    left = [one for one in unknown if one not in roles.values()]
    names = ", ".join(title_of(one) for one in left)
    raise InputError(
        f"{len(left)} series have no description, and their images do not tell what they are.",
        f"Study {study.name}: {names}",
        "Look at them and choose the sequences yourself; on the command line: --t1c SERIES ...",
    )
