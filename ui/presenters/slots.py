"""The pre-flight table as rows: one per sequence, with light, sentence, picture and choices."""

from collections.abc import Mapping

from desktop_app.domain.preflight import Aspect, Preflight, SequencePreflight, Source
from desktop_app.domain.study import Series, Study
from desktop_app.services.preflight.pixels import PixelLook
from ui.views.study_view import SequenceSlot, SeriesChoice

NOT_AVAILABLE = "not available"
# In front, since the end of a long line is not seen.
BY_IMAGE = "By its image:"


def slots_of(
    study: Study, preflight: Preflight, looks: Mapping[str, PixelLook] | None = None
) -> tuple[SequenceSlot, ...]:
    """Return the pre-flight table of a study.

    Parameters
    ----------
    looks
        What the images showed, by series UID; absent as long as nobody looked.
    """
    usable = [series for series in study.series if series.usable]
    looks = looks or {}
    slots = []
    for sequence, one in preflight.sequences.items():
        look = looks.get(one.series_uid)
        by_image = one.series_uid if _is_by_image(one) else ""
        choices = (
            SeriesChoice("", NOT_AVAILABLE),
            *(_choice(series, by_image=series.series_uid == by_image) for series in usable),
        )
        slots.append(
            SequenceSlot(
                sequence,
                choices,
                one.series_uid,
                one.light,
                one.word,
                one.worst.sentence,
                one.checks,
                None if look is None else look.thumbnail_yx,
            )
        )
    return tuple(slots)


def _is_by_image(one: SequencePreflight) -> bool:
    return any(
        check.aspect is Aspect.SERIES and check.source is Source.PIXELS for check in one.checks
    )


def _choice(series: Series, *, by_image: bool) -> SeriesChoice:
    texts = _series_texts(series)
    text, *shorter = (f"{BY_IMAGE} {one}" for one in texts) if by_image else texts
    return SeriesChoice(series.series_uid, text, tuple(shorter))


def series_text(series: Series) -> str:
    """Return one line that tells a series from its neighbours."""
    return _series_texts(series)[0]


def _series_texts(series: Series) -> tuple[str, str, str]:
    """Return the line whole, without the matrix, and without the time of acquisition either."""
    number = str(series.number) if series.number else ""
    named = ": ".join(part for part in (number, series.description or "no description") if part)
    # Tells the image before contrast from the one after.
    _, _, clock = series.acquired.partition("T")
    timed = f"{named}, {clock[:5]}" if clock else named
    if series.geometry is None:
        return timed, timed, named
    k, j, i = series.geometry.shape_kji
    thickness_mm = series.geometry.spacing_mm[0]
    return f"{timed} ({i}×{j}×{k}, {thickness_mm:.1f} mm)", timed, named
