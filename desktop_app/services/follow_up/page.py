"""The page of a comparison that a clinician would file; free of how it is drawn."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import desktop_app
from desktop_app.domain.change_marks import CHANGE_MARKS, ChangeMark
from desktop_app.domain.dates import DateOrder, readable_instant
from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.missing import volume_if_known
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.domain.readable import (
    readable_date,
    readable_name,
    readable_percent,
)
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_TITLES, Region, Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.io.atomic import atomic_path
from desktop_app.services.export.report import DISCLAIMER, born_and_sex
from desktop_app.services.follow_up.doubts import ON_BORDERS
from desktop_app.services.follow_up.parts import part_in_words
from desktop_app.services.follow_up.table import TableRow, change_in_cm3, change_table
from desktop_app.services.privacy import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

    # Loads slowly; a window that only starts need not wait for it.
    from desktop_app.services.export.key_images import KeyImage, KeyImageMaker, Marked
    from desktop_app.services.export.writers import PageRenderer

NO_JUDGEMENT = (
    "Volumes and diameters alone are no assessment of response: segmentation errors, surgery and "
    "treatment change them too."
)

# What each sequence shows best; the next in line where one is missing in either study.
_SHOWN = {
    Sequence.T1C: Region.TC,
    Sequence.FLAIR: Region.WT,
    Sequence.T2: Region.WT,
    Sequence.T1: Region.WT,
}
_ROWS_OF_IMAGES = 2
_MOST_PARTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class FollowUpPage:
    """All that stands on the page.

    Parameters
    ----------
    identity
        (label, value) of patient and studies.
    finding
        The change of the whole tumour in one sentence, without any judgement.
    rows
        Numbers of all regions, columns in the order of `table.REGIONS`.
    images
        Rows of pictures: the earlier study, the current one, and the map of change if there is one.
    legend
        Of the maps of change; empty without any.
    provenance
        How the numbers came about, one line each.
    """

    title: str
    created: str
    identity: tuple[tuple[str, str], ...]
    finding: str
    rows: tuple[TableRow, ...]
    images: "tuple[tuple[KeyImage, ...], ...]"
    legend: tuple[ChangeMark, ...]
    warnings: tuple[str, ...]
    provenance: tuple[str, ...]
    disclaimer: str = DISCLAIMER


def build_follow_up_page(
    found: FollowUp,
    *,
    anonymise: bool = False,
    pseudonyms: tuple[Pseudonyms, Pseudonyms] | None = None,
    created: datetime | None = None,
) -> FollowUpPage:
    """Put together the report of a comparison.

    Parameters
    ----------
    anonymise
        Leave out who the patient is, dates, and what was typed in by people.
    pseudonyms
        Stand for the current and the earlier study then.
    created
        Date and time on the page; now if not given.
    """
    created = created or datetime.now().astimezone()
    rows = change_table(found)
    studies = (found.now.study, found.earlier.study)
    redactors = [Redactor.for_study(one, anonymise=anonymise) for one in studies]
    return FollowUpPage(
        title="Brain tumour, MR follow-up",
        created=readable_instant(created),
        identity=(
            *(_anonymised(pseudonyms) if anonymise else _identity(found)),
            _between(found),
        ),
        finding=change_in_words(found),
        rows=rows,
        images=tuple(_images(found, has_dates=not anonymise)),
        legend=CHANGE_MARKS if found.is_registered else (),
        warnings=(
            *parts_in_words(found),
            *(redactors[0].redact(redactors[1].redact(one)) for one in found.warnings),
        ),
        provenance=_provenance(found, rows),
    )


def change_in_words(found: FollowUp) -> str:
    """Say how the whole tumour changed, in numbers alone."""
    whole = found.regions[Region.WT]
    earlier, now = volume_if_known(whole.earlier_mm3), volume_if_known(whole.now_mm3)
    change = f"{change_in_cm3(whole)} cm³"
    if whole.change_percent is not None:
        change += f", {readable_percent(whole.change_percent)}"
    sentence = f"Whole tumour: {earlier} cm³ earlier, {now} cm³ now ({change})."
    count = len(found.new_parts)
    if count:
        parts = "1 part lies" if count == 1 else f"{count} parts lie"
        sentence += f" {parts} apart from the earlier tumour."
    return sentence


def parts_in_words(found: FollowUp) -> tuple[str, ...]:
    """Say of every part that is apart from the earlier tumour how large it is, and where."""
    told = [
        f"Apart from the earlier tumour: {part_in_words(one)}."
        for one in found.new_parts[:_MOST_PARTS]
    ]
    more = len(found.new_parts) - len(told)
    return (*told, *((f"Apart from the earlier tumour: {more} more.",) if more else ()))


def interval_in_words(found: FollowUp) -> str:
    """Say how much time lies between the studies; empty where that is not known."""
    days = found.days_between
    if days is None:
        return ""
    count = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    return f"{count} after the current study" if found.order is DateOrder.LATER else count


def registration_in_words(found: FollowUp) -> str:
    """Say by which images one study was laid on the other, and what came of it."""
    earlier, now = found.registered_by
    by = f"{now} of both" if earlier is now else f"{earlier} of the earlier study, {now} now"
    return f"By {by}: {found.registration.message}"


def _identity(found: FollowUp) -> tuple[tuple[str, str], ...]:
    patient = found.now.study.patient
    return (
        ("Patient", readable_name(patient.name) or "not given"),
        ("Patient ID", patient.patient_id or "not given"),
        ("Born, sex", born_and_sex(patient)),
        ("Earlier study", _study(found.earlier)),
        ("Current study", _study(found.now)),
    )


def _anonymised(
    pseudonyms: tuple[Pseudonyms, Pseudonyms] | None,
) -> tuple[tuple[str, str], ...]:
    patient = ("Patient", "Anonymised")
    if pseudonyms is None:
        return (patient,)
    now, earlier = (one.folder_name for one in pseudonyms)
    return patient, ("Earlier study", earlier), ("Current study", now)


def _between(found: FollowUp) -> tuple[str, str]:
    return "Between them", interval_in_words(found) or "not known"


def _study(result: StudyResult) -> str:
    study = result.study
    date = readable_date(study.date) or "date not given"
    return f"{date}, {study.description or study.name}"


def _images(found: FollowUp, *, has_dates: bool) -> "Iterator[tuple[KeyImage, ...]]":
    """Yield axial pictures: on the same plane where the studies lie on each other."""
    from desktop_app.services.export.key_images import Marked, Paint

    now, earlier = found.now, found.earlier
    on_now = found.earlier_on_now
    # Where nothing is left of the tumour, the pictures follow what was there.
    is_gone = now.segmentation.is_empty and on_now is not None
    maker = _maker(now, on_now if is_gone and on_now is not None else now.segmentation)
    maker_of_earlier = maker if on_now is not None else _maker(earlier, earlier.segmentation)
    of_now = _labels(now.segmentation)
    of_earlier = _labels(on_now or earlier.segmentation)
    paints = {
        int(one.difference): Paint(one.rgb, one.fill_opacity, one.hatch) for one in CHANGE_MARKS
    }
    earlier_date, now_date = (found.earlier_date, found.now_date) if has_dates else ("", "")
    shared = [one for one in _SHOWN if one in now.prepared.volumes and one in found.earlier_images]
    for sequence in shared[:_ROWS_OF_IMAGES]:
        image = now.prepared.volumes[sequence]
        row = [
            _axial(
                maker_of_earlier,
                _caption("Earlier", earlier_date, sequence),
                found.earlier_images[sequence],
                of_earlier,
            ),
            _axial(maker, _caption("Now", now_date, sequence), image, of_now),
        ]
        if on_now is not None:
            region = _SHOWN[sequence] if _SHOWN[sequence] not in found.incomparable else Region.WT
            change = Marked(found.difference_kji(region), paints)
            title = f"Map of change, {REGION_TITLES[region].lower()}"
            row.append(_axial(maker, title, image, change))
        yield tuple(row)


def _caption(which: str, date: str, sequence: Sequence) -> str:
    return " ".join(part for part in (which, readable_date(date)) if part) + f", {sequence}"


def _maker(result: StudyResult, followed: Segmentation) -> "KeyImageMaker":
    from desktop_app.services.export.key_images import KeyImageMaker

    prepared = result.prepared
    series = result.roles[prepared.reference_sequence]
    return KeyImageMaker(followed, prepared.reference, series)


def _labels(segmentation: Segmentation) -> "Marked":
    from desktop_app.services.export.key_images import Marked, Paint

    paints = {one.value: Paint(one.rgb) for one in segmentation.definitions}
    return Marked(segmentation.labels_kji, paints)


def _axial(maker: "KeyImageMaker", name: str, volume: Volume, marked: "Marked") -> "KeyImage":
    from desktop_app.services.export.key_images import PLANES

    (picture,) = maker.make(name, volume, marked=marked, planes=PLANES[:1])
    return picture


def _provenance(found: FollowUp, rows: tuple[TableRow, ...]) -> tuple[str, ...]:
    spoken = {
        "Earlier labels": found.earlier.segmentation.provenance,
        "Current labels": found.now.segmentation.provenance,
    }
    labels = [f"{which}: {_origin(one)}." for which, one in spoken.items()]
    # A hint that rows share is given with the first of them.
    hints = {row.hint: f"{row.title.split(', ')[0]}: {row.hint}" for row in reversed(rows)}
    return (
        f"Gliascope {desktop_app.__version__}. {NO_JUDGEMENT}",
        " ".join(labels),
        f"Volumes are those of each study on its own grid. {registration_in_words(found)}",
        " ".join(text for hint, text in reversed(hints.items()) if hint),
        *((ON_BORDERS,) if found.is_registered else ()),
    )


def _origin(labels: Provenance) -> str:
    network = f"{labels.model_id}, weights {labels.weights_sha256[:12]}"
    return f"{labels.origin_in_words(network, nameless=True)}, {labels.correction_in_words}"


def save_follow_up_page(found: FollowUp, path: Path, renderer: "PageRenderer") -> None:
    """Write the report of a comparison, which appears under its name once it is whole.

    Raises
    ------
    OutputError
        If it cannot be written; an older one then stays.
    """
    page = build_follow_up_page(found)
    with atomic_path(path) as temporary:
        renderer.render(page, temporary)
