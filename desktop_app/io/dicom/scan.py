"""DICOM headers to studies and series."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from desktop_app.domain.study import InstanceRef, Series, Study
from desktop_app.io.dicom.examinations import Examination, separate_examinations
from desktop_app.io.dicom.geometry import UnusableStack, stack_slices
from desktop_app.io.dicom.headers import FileHeader
from desktop_app.io.dicom.slices import MR_CLASSES, MULTIFRAME_MR, SliceHeader
from desktop_app.io.dicom.split import SeriesPart, split_series
from desktop_app.io.naming import safe_name

_NAMES_OF_MODALITIES = {
    "MR": "MR",
    "SEG": "segmentation",
    "SR": "report",
    "PR": "presentation state",
    "RTSTRUCT": "contour",
    "KO": "key object",
    "DOC": "document",
    "OT": "secondary capture",
    "SC": "secondary capture",
}


def group_into_studies(headers: Iterable[FileHeader], root: Path) -> tuple[Study, ...]:
    """Group files into studies and series and find each series' grid.

    Parameters
    ----------
    headers
        Headers of every readable DICOM file.
    root
        What the user opened.

    Returns
    -------
    tuple of Study
        In the order of date and UID, without role proposals. What is not an MR image stands in
        `Study.skipped`; a study may have no series.
    """
    by_study: dict[str, list[FileHeader]] = defaultdict(list)
    for header in headers:
        by_study[header.study_uid or f"folder {header.path.parent}"].append(header)
    studies = [
        _study(examination, root)
        for uid, members in by_study.items()
        for examination in separate_examinations(uid, members)
    ]
    # Of one identifier they are in order already.
    return tuple(sorted(studies, key=lambda s: (s.date, s.study_uid.partition("#")[0])))


def _study(examination: Examination, root: Path) -> Study:
    uid, headers = examination.uid, examination.headers
    by_series: dict[str, list[FileHeader]] = defaultdict(list)
    for header in headers:
        by_series[header.series_uid or f"folder {header.path.parent}"].append(header)
    series: list[Series] = []
    skipped = list(examination.told)
    for series_uid, members in by_series.items():
        images = [header for header in members if header.sop_class_uid in MR_CLASSES]
        if len(images) < len(members):
            rest = [header for header in members if header.sop_class_uid not in MR_CLASSES]
            first = rest[0]
            description = first.attributes.get("SeriesDescription", "")
            paths = (header.path for header in rest)
            title = series_title(first.series_number, description, paths)
            skipped.append((title, _not_mr(rest)))
        if images:
            series.extend(_series(series_uid, images))
    series.sort(key=lambda one: (one.number, one.acquired, one.series_uid))
    first = headers[0]
    patient_id = first.patient.patient_id
    stored = _first("StudyDate", headers)
    date = examination.date or stored
    # A day that stands with the images alone names no study of nobody.
    label = "_".join(part for part in (patient_id, date) if part) if patient_id or stored else ""
    return Study(
        study_uid=uid,
        name=safe_name(label, fallback=_fallback_name(uid, root)),
        patient=first.patient,
        date=date,
        description=first.study_description,
        root=root,
        series=tuple(series),
        skipped=tuple(skipped),
        time=_first("StudyTime", headers),
        accession_number=_first("AccessionNumber", headers),
        age=_first("PatientAge", headers),
    )


def _first(keyword: str, headers: Iterable[FileHeader]) -> str:
    return next((h.attributes[keyword] for h in headers if keyword in h.attributes), "")


def _fallback_name(uid: str, root: Path) -> str:
    """Name a study without patient ID and date; the checksum tells it from others in `root`."""
    return f"{safe_name(root.stem)}_{hashlib.sha256(uid.encode()).hexdigest()[:8]}"


def series_title(number: int, description: str, paths: Iterable[Path]) -> str:
    """Return what tells a series from all others: number, description, file or folder."""
    different = sorted(set(paths))
    place = different[0] if len(different) == 1 else os.path.commonpath(different)
    return f"{' '.join(f'Series {number} {description}'.split())} ({place})"


def _not_mr(headers: list[FileHeader]) -> str:
    modality = headers[0].modality
    name = _NAMES_OF_MODALITIES.get(modality, modality)
    if modality == "MR":
        return "not an MR image (a secondary capture or an unknown kind of object)"
    return f"{name}, not MR"


def _series(series_uid: str, headers: list[FileHeader]) -> list[Series]:
    if any("MOSAIC" in h.attributes.get("ImageType", "").upper() for h in headers):
        problem = "A mosaic: many slices in one picture, used for diffusion and function; not read."
        return [_unusable(series_uid, headers, (problem,))]
    slices = [header for file in headers for header in file.slices]
    if not slices:
        return [_unusable(series_uid, headers, ("It holds no images.",))]
    by_path = {file.path: file for file in headers}
    result = []
    for number, part in enumerate(split_series(slices), start=1):
        uid = series_uid if number == 1 else f"{series_uid}#{number}"
        result.append(_series_of_part(uid, part, by_path))
    return result


def _series_of_part(uid: str, part: SeriesPart, by_path: dict[Path, FileHeader]) -> Series:
    file = by_path[part.slices[0].path]
    attributes = _attributes(file, part)
    problems = list(part.problems)
    if attributes.get("LossyImageCompression") == "01":
        problems.append("Was compressed with loss; fine detail may be altered.")
    geometry, usable = None, True
    ordered = part.slices
    try:
        stack = stack_slices(part.slices, file.frame_of_reference_uid)
        geometry, ordered = stack.geometry, stack.slices
        problems.extend(stack.problems)
    except UnusableStack as error:
        reason = str(error)
        problems.append(f"Not usable: {reason}.")
        usable = False
    return Series(
        series_uid=uid,
        description=attributes.get("SeriesDescription") or attributes.get("ProtocolName", ""),
        instances=tuple(_instance(s, by_path[s.path].sop_class_uid) for s in ordered),
        geometry=geometry,
        number=file.series_number,
        acquired=_acquired(attributes),
        modality=file.modality,
        attributes=attributes,
        problems=tuple(problems),
        usable=usable,
    )


def _instance(header: SliceHeader, sop_class_uid: str) -> InstanceRef:
    # A header that does not say it has number 0; a frame is known by its own.
    number = header.instance_number or None if header.frame is None else None
    position_lps_mm = None
    if header.position_lps_mm is not None:
        left, posterior, superior = header.position_lps_mm.tolist()
        position_lps_mm = (left, posterior, superior)
    return InstanceRef(
        header.path,
        sop_class_uid,
        header.sop_instance_uid,
        header.frame,
        number=number,
        position_lps_mm=position_lps_mm,
    )


def _attributes(file: FileHeader, part: SeriesPart) -> dict[str, str]:
    """Return the file's attributes with those of the part's own frames in their place."""
    attributes = dict(file.attributes)
    if file.sop_class_uid in MULTIFRAME_MR:
        echo_time, frame_type, b_value = part.slices[0].kind[:3]
        own = {"EchoTime": echo_time, "ImageType": frame_type, "DiffusionBValue": b_value}
        attributes.update({key: value for key, value in own.items() if value})
    elif part.slices[0].kind[2]:
        attributes["DiffusionBValue"] = part.slices[0].kind[2]
    if component := part.slices[0].kind[5]:
        attributes["ComplexImageComponent"] = component
    return attributes


def _acquired(attributes: dict[str, str]) -> str:
    """Return date and time as ISO text, from the most exact element there is."""
    stamp = attributes.get("AcquisitionDateTime", "")
    for kind in ("Acquisition", "Series"):
        if not stamp and attributes.get(f"{kind}Time"):
            date = attributes.get(f"{kind}Date") or attributes.get("StudyDate", "")
            stamp = date + attributes[f"{kind}Time"]
    digits = stamp.split(".")[0].split("+")[0]
    if len(digits) < 14 or not digits.isdigit():
        return ""
    d = digits
    return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:14]}"


def _unusable(uid: str, headers: list[FileHeader], problems: tuple[str, ...]) -> Series:
    file = headers[0]
    return Series(
        series_uid=uid,
        description=file.attributes.get("SeriesDescription", ""),
        instances=tuple(_instance(s, h.sop_class_uid) for h in headers for s in h.slices)
        or (InstanceRef(file.path, file.sop_class_uid),),
        geometry=None,
        number=file.series_number,
        acquired=_acquired(file.attributes),
        modality=file.modality,
        attributes=file.attributes,
        problems=problems,
        usable=False,
    )
