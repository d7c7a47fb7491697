"""`gliascope scan`: what is in a folder, and which series would be used."""

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desktop_app.cli.console import print_note, print_result, print_table
from desktop_app.cli.preflight import check_study, preflight_document, print_preflight
from desktop_app.cli.work import do_work
from desktop_app.jobs.runner import JobRunner

if TYPE_CHECKING:
    from desktop_app.cli.frontend import Frontend
    from desktop_app.domain.geometry import Geometry
    from desktop_app.domain.preflight import Preflight
    from desktop_app.domain.study import Series, Study
    from desktop_app.io.scan import ScanResult

SCHEMA = "gliascope/scan/1"

_LISTED_SKIPPED = 20


def scan(
    context: typer.Context,
    path: Annotated[
        Path | None, typer.Argument(help="Folder, ZIP, DICOMDIR or folder of NIfTI files.")
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="List everything that was left out, and all checks."),
    ] = False,
    pixels: Annotated[
        bool,
        typer.Option("--pixels", help="Also read the proposed series and judge noise and motion."),
    ] = False,
    no_cache: Annotated[
        bool,
        typer.Option("--no-cache", help="Read every file anew, and keep nothing for later scans."),
    ] = False,
    clear: Annotated[
        bool,
        typer.Option("--clear-cache", help="First forget what earlier scans have kept."),
    ] = False,
) -> None:
    """List patients, studies and series, the role proposed for each series, and what to check.

    Headers are kept in the user's own folder, so that the same files are listed at once next time.
    """
    from desktop_app.services.opening.import_study import forget_scans, open_path

    if clear:
        forget_scans()
    if path is None:
        if not clear:
            raise typer.BadParameter("name a folder, ZIP, DICOMDIR or file")
        print_note("What earlier scans have kept is forgotten.")
        return
    frontend: Frontend = context.obj
    with closing(JobRunner()) as runner:
        found = do_work(
            runner,
            lambda progress, token: open_path(
                path, progress=progress, token=token, use_cache=not no_cache
            ),
            frontend.stop,
            quiet=as_json,
        )
    checked = [
        check_study(study, frontend.stop, pixels=pixels, quiet=as_json) for study in found.studies
    ]
    if as_json:
        document = scan_document(path, found, checked)
        print_result(json.dumps(document, indent=2, ensure_ascii=False))
        return
    limit = None if verbose else _LISTED_SKIPPED
    for study, preflight in zip(found.studies, checked, strict=True):
        _print_study(study, limit)
        print_preflight(preflight, verbose=verbose)
        print_result()
    _print_skipped(found.skipped, limit)
    for note in found.notes:
        print_note(note)


def scan_document(path: Path, found: "ScanResult", checked: "list[Preflight]") -> dict[str, Any]:
    """Return what a scan found in the schema ``gliascope/scan/1``."""
    return {
        "schema": SCHEMA,
        "path": str(path),
        "studies": [
            {**_study_document(study), "preflight": preflight_document(preflight)}
            for study, preflight in zip(found.studies, checked, strict=True)
        ],
        "skipped": [{"path": what, "reason": reason} for what, reason in found.skipped],
        "notes": list(found.notes),
    }


def _study_document(study: "Study") -> dict[str, Any]:
    from desktop_app.domain.study import Sequence

    patient = study.patient
    return {
        "study_uid": study.study_uid,
        "name": study.name,
        "date": study.date,
        "description": study.description,
        "root": str(study.root),
        "patient": {
            "patient_id": patient.patient_id,
            "name": patient.name,
            "birth_date": patient.birth_date,
            "sex": patient.sex,
        },
        "roles": {
            sequence.value: {
                "series_uid": role.series_uid,
                "confidence": role.confidence,
                "reason": role.reason,
            }
            for sequence, role in study.roles.items()
        },
        "missing": [s.value for s in Sequence if s not in study.roles],
        "series": [_series_document(series) for series in study.series],
        "skipped": [{"path": what, "reason": reason} for what, reason in study.skipped],
    }


def _series_document(series: "Series") -> dict[str, Any]:
    return {
        "series_uid": series.series_uid,
        "number": series.number,
        "description": series.description,
        "modality": series.modality,
        "acquired": series.acquired,
        "files": len({instance.path for instance in series.instances}),
        "geometry": _geometry_document(series.geometry),
        "usable": series.usable,
        "problems": list(series.problems),
    }


def _geometry_document(geometry: "Geometry | None") -> dict[str, Any] | None:
    if geometry is None:
        return None
    return {
        "shape_kji": list(geometry.shape_kji),
        "spacing_mm": list(geometry.spacing_mm),
        "affine_lps_mm": geometry.affine_lps_mm.tolist(),
        "frame_of_reference_uid": geometry.frame_of_reference_uid,
    }


def _print_study(study: "Study", limit: int | None) -> None:
    from desktop_app.domain.readable import readable_date, readable_name, readable_share
    from desktop_app.domain.study import Sequence

    patient = study.patient
    who = (patient.patient_id, readable_name(patient.name))
    print_result(f"Patient   {' '.join(filter(None, who)) or '-'}")
    what = (study.name, readable_date(study.date), study.description)
    print_result(f"Study     {' '.join(filter(None, what))}")
    print_result(f"Folder    {study.root}")
    role_of = {role.series_uid: (sequence, role) for sequence, role in study.roles.items()}
    rows = []
    for series in study.series:
        sequence, role = role_of.get(series.series_uid, (None, None))
        rows.append(
            [
                sequence.value if sequence else "",
                readable_share(role.confidence) if role else "",
                str(series.number or ""),
                series.description,
                *_grid(series.geometry),
                "; ".join(series.problems),
            ]
        )
    header = ["Role", "Sure", "No.", "Series", "Voxels (k×j×i)", "Spacing (mm)", "Problems"]
    print_table(header, rows, right=(1, 2))
    missing = [sequence.value for sequence in Sequence if sequence not in study.roles]
    if missing:
        print_result(f"Missing   {', '.join(missing)}")
    _print_skipped(study.skipped, limit)


def _print_skipped(skipped: tuple[tuple[str, str], ...], limit: int | None) -> None:
    if skipped:
        print_result(f"Left out  {len(skipped)}")
    for what, reason in skipped[:limit]:
        print_result(f"          {what}: {reason}")
    if limit is not None and len(skipped) > limit:
        print_result(f"          ... {len(skipped) - limit} more, listed by --verbose")


def _grid(geometry: "Geometry | None") -> tuple[str, str]:
    if geometry is None:
        return "?", "?"
    voxels = "×".join(str(n) for n in geometry.shape_kji)
    return voxels, "×".join(f"{mm:.2f}" for mm in geometry.spacing_mm)
