"""`gliascope segment`: one study, no window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desktop_app.cli import options
from desktop_app.cli.console import print_result, print_table
from desktop_app.cli.work import do_work

if TYPE_CHECKING:
    from collections.abc import Sequence as Many

    from desktop_app.cli.frontend import Frontend
    from desktop_app.domain.result import StudyResult
    from desktop_app.domain.study import Study
    from desktop_app.jobs.cancel import CancelToken
    from desktop_app.jobs.events import ProgressCallback
    from desktop_app.services.case import CaseOutcome

_SCAN_SHARE = 0.05
_LISTED_STUDIES = 5


def _series_option(flag: str, sequence: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        flag,
        metavar="SERIES",
        help=f"{sequence}: a series UID, a folder, a NIfTI file, or none to leave it out.",
    )
    return info


def segment(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(help="Folder, ZIP, DICOMDIR or folder of NIfTI files.")],
    *,
    output: options.Output,
    which: Annotated[
        str | None,
        typer.Option(
            "--study",
            metavar="NAME",
            help="Which study, where there are several: its name as `scan` lists it, or its UID.",
        ),
    ] = None,
    t1: Annotated[str | None, _series_option("--t1", "T1")] = None,
    t1c: Annotated[str | None, _series_option("--t1c", "T1 with contrast")] = None,
    t2: Annotated[str | None, _series_option("--t2", "T2")] = None,
    flair: Annotated[str | None, _series_option("--flair", "FLAIR")] = None,
    device: options.Device = "auto",
    precision: options.PrecisionOption = options.Precision.AUTO,
    model: options.ModelName = options.DEFAULT_MODEL,
    export: options.Export = options.DEFAULT_EXPORTS,
    et_label: options.EtLabelOption = options.EtLabel.THREE,
    anonymise: options.Anonymise = False,
    quiet: options.Quiet = False,
) -> None:
    """Segment one study and write labels, volumes and report to DIR/STUDYNAME."""
    from desktop_app.composition import build
    from desktop_app.domain.study import Sequence
    from desktop_app.services.case import process_study
    from desktop_app.services.opening.import_study import choose_roles, open_path
    from desktop_app.services.results.output_room import require_room

    frontend: Frontend = context.obj
    named = zip(Sequence, (t1, t1c, t2, flair), strict=True)
    overrides = {sequence: series for sequence, series in named if series is not None}
    with build() as app:
        wanted = options.case_options(
            app.models,
            device=device,
            precision=precision,
            model=model,
            export=export,
            et_label=et_label,
            anonymise=anonymise,
        )
        require_room(output)
        # While the study is read; torch alone takes a second.
        app.worker.warm(device, precision)
        renderer = frontend.renderer_for(wanted.export.formats)

        def work(progress: "ProgressCallback", token: "CancelToken") -> "CaseOutcome":
            found = open_path(
                study, progress=lambda f, text: progress(f * _SCAN_SHARE, text), token=token
            )
            chosen = chosen_study(found.studies, study, which)
            return process_study(
                chosen,
                choose_roles(chosen, overrides),
                wanted,
                output,
                app.worker,
                chosen_by_user=overrides,
                page_renderer=renderer,
                progress=lambda f, text: progress(_SCAN_SHARE + f * (1 - _SCAN_SHARE), text),
                token=token,
            )

        outcome = do_work(app.runner, work, frontend.stop, quiet=quiet)
    if quiet:
        print_result(str(outcome.folder))
        return
    _print_outcome(outcome)


def chosen_study(
    studies: "Many[Study]",
    path: Path,
    wanted: str | None = None,
    *,
    remedy: str = "Choose one by --study NAME, or take them all by: gliascope batch",
) -> "Study":
    """Return the one study there is, or the one asked for by name or UID.

    Parameters
    ----------
    remedy
        What to do where there are several.

    Raises
    ------
    InputError
        If there are several, or none like that.
    """
    from desktop_app.errors import InputError
    from desktop_app.services.opening.study_identity import own_uid

    fitting = [
        one
        for one in studies
        if wanted is None or wanted in (one.name, one.study_uid, own_uid(one.study_uid))
    ]
    if len(fitting) == 1:
        return fitting[0]
    choice = fitting or studies
    names = [_name_and_date(one) for one in choice[:_LISTED_STUDIES]]
    more = len(choice) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    asked_for = "" if wanted is None else f" “{wanted}”"
    several = f"There are {len(choice)} studies{asked_for} here."
    raise InputError(
        several if fitting or wanted is None else f"There is no study{asked_for} here.",
        f"{path}: {listed}",
        remedy,
    )


def _name_and_date(study: "Study") -> str:
    from desktop_app.domain.readable import readable_date

    date = readable_date(study.date)
    return f"{study.name} ({date})" if date else study.name


def _print_outcome(outcome: "CaseOutcome") -> None:
    result = outcome.result
    provenance = result.segmentation.provenance
    print_result(f"Study     {result.study.name}")
    for sequence, series in result.roles.items():
        print_result(f"{sequence.value:<9} {series.description}")
    print_result(f"Model     {provenance.model_id} on {provenance.device}, {provenance.precision}")
    print_result()
    print_volumes(result)
    for warning in result.segmentation.warnings:
        print_result(f"Warning   {warning}")
    for note in outcome.notes:
        print_result(f"Note      {note}")
    if result.segmentation.warnings or outcome.notes:
        print_result()
    for file in outcome.files:
        print_result(str(file))


def print_volumes(result: "StudyResult") -> None:
    """Write the table of volumes to stdout, and place and diameters below it."""
    from desktop_app.domain.missing import volume_if_known
    from desktop_app.domain.readable import readable_range, readable_share
    from desktop_app.domain.segmentation import REGION_TITLES
    from desktop_app.services.measuring.diameters import in_words, measure_diameters, slice_in_words
    from desktop_app.services.measuring.measure import volume_intervals, volumes_mm3, voxel_counts
    from desktop_app.services.measuring.places import place_in_words

    volumes, voxels = volumes_mm3(result.measurements), voxel_counts(result.measurements)
    intervals = volume_intervals(result.measurements)
    ranges = {
        region: f"{readable_share(one.coverage)}: {readable_range(one.low, one.high)}"
        for region, one in intervals.items()
    }
    rows = [
        [
            REGION_TITLES[region],
            region.value,
            volume_if_known(volumes.get(region)),
            *([ranges.get(region, "")] if ranges else []),
            str(voxels.get(region, "")),
        ]
        for region in REGION_TITLES
    ]
    titles = ["Region", "", "Volume (cm³)", *(["Range"] if ranges else []), "Voxels"]
    print_table(titles, rows, right=tuple(range(2, len(titles))))
    print_result()
    place = place_in_words(result)
    if place:
        print_result(place)
    for one in measure_diameters(result.segmentation).values():
        print_result(f"{in_words(one)}, {slice_in_words(result, one)}")
    if place:
        print_result()
