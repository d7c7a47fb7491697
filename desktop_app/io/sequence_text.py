"""What words in descriptions and file names say about a sequence."""

import re

from desktop_app.domain.study import Sequence

_SEPARATOR = re.compile(r"[\s_\-/\\.,;:()\[\]]+")

_FLAIR = re.compile(r"flair|tirm|spcir|dark fluid|darkfluid|\bt2f\b")
_T1_FLAIR = re.compile(r"\bt1w?( \w+)? ?flair|\bt1flair")
_T1 = re.compile(r"\bt1|t1w|mprage|mp rage|\bbravo\b|spgr|\bvibe|\d?d?tfe\b|\btfl\b|\bmpr?age")
_T2 = re.compile(r"\bt2|t2w")
_NOT_ANATOMICAL = (
    (re.compile(r"locali[sz]|scout|survey|\bloc\b|plan scan|smartbrain"), "a localizer"),
    (re.compile(r"\badc\b|trace|\bdwi\b|\bdti\b|diff|\bb ?1000|\bexp\b|tensor"), "diffusion"),
    (
        re.compile(r"\bswi\b|\bswan\b|suscept|\bt2 ?(\*|star)|\bgre\b|hemo|venbold"),
        "susceptibility",
    ),
    (re.compile(r"\btof\b|angio|\bmra\b|\bmrv\b|\bpca\b"), "angiography"),
    (re.compile(r"perf|\bdsc\b|\bdce\b|\bcb[fv]\b|\bmtt\b|\bttp\b|\basl\b|pcasl"), "perfusion"),
    (re.compile(r"\bbold\b|fmri|resting|\bep2d|\bepi\b"), "echo planar"),
    (re.compile(r"\bmn?ip\b|project|\bsub\b|subtr|screen ?save|\breport\b"), "a derived picture"),
    (re.compile(r"\bstir\b"), "fat-suppressed by short inversion"),
    (re.compile(r"field ?map|calib|\bb0 ?map|shim|spectro|\bmrs\b|\bsvs\b"), "a calibration"),
    (re.compile(r"spine|lumbar|thorac|cervic|\bknee\b|\borbit"), "of another part of the body"),
    (re.compile(r"\bciss\b|fiesta|trufi|\bb ?ffe\b|balanced"), "a steady-state image"),
    (re.compile(r"\bpd\b|proton"), "proton density"),
)

_WITH_CONTRAST = re.compile(
    r"post|\+ ?[ck]\b|\b[ck]\+|\bgad|gado|\bgd\b|\bkm\b|\bce\b|contrast|contrastiv|enhanced"
    r"|\bt1 ?(gd|c|ce|km|gad)\b|\bw ?/? ?c\b|\bmit k"
)
_WITHOUT_CONTRAST = re.compile(
    r"\bpre\b|precon|pre ?gad|without|\bw ?/? ?o\b|\bwo\b|nativ|\bohne\b|non ?con|unenh|\bsans\b"
)

_LABEL_FILE = re.compile(
    r"seg\b|segment|mask|label|pred|ground ?truth|\bgt\b|coverage|\broi\b|lesion|tissue"
)
_NAME_T1C = re.compile(
    r"\bt1w? ?(ce|c|gd|gad|gado|km|post|contrast|con|enhanced)\b"
    r"|\b(ce|gd|gad|post|contrast)( \w+)? t1w?\b"
    r"|\bt1w?( \w+)* (ce|gd|gad|post|contrast|postcontrast)\b"
)
_NAME_FLAIR = re.compile(r"flair|\bt2f\b")
_NAME_T1 = re.compile(r"\bt1w?\d?\b|\bt1n\b|\bt1 ?pre\b|mprage")
_NAME_T2 = re.compile(r"\bt2w?\b")


def normalised(text: str) -> str:
    """Return text in lower case with every separator a single blank."""
    return _SEPARATOR.sub(" ", text.lower()).strip()


def weighting_in(text: str) -> Sequence | None:
    """Return the weighting that a description names (T1 whether with contrast or not)."""
    words = normalised(text)
    if _FLAIR.search(words) and not _T1_FLAIR.search(words):
        return Sequence.FLAIR
    if _T1.search(words) or _T1_FLAIR.search(words):
        return Sequence.T1
    return Sequence.T2 if _T2.search(words) else None


def not_anatomical(text: str) -> str:
    """Return what a description says the series is instead of T1, T2 or FLAIR; else empty."""
    words = normalised(text)
    return next((what for pattern, what in _NOT_ANATOMICAL if pattern.search(words)), "")


def contrast_in(text: str) -> bool | None:
    """Return whether a description says with or without contrast; ``None`` if neither."""
    words = normalised(text)
    if _WITHOUT_CONTRAST.search(words):
        return False
    return True if _WITH_CONTRAST.search(words) else None


def role_in_file_name(name: str) -> Sequence | None:
    """Return the sequence that a NIfTI file's name tells; ``None`` for masks and other names.

    Knows the patterns of the command line's manual and the names of BraTS 2021
    (``_t1 _t1ce _t2 _flair``), BraTS 2023 (``-t1n -t1c -t2w -t2f``) and BIDS.
    """
    words = normalised(re.sub(r"\.nii(\.gz)?$", "", name.lower()))
    if _LABEL_FILE.search(words):
        return None
    rules = (
        (_NAME_FLAIR, Sequence.FLAIR),
        (_NAME_T1C, Sequence.T1C),
        (_NAME_T1, Sequence.T1),
        (_NAME_T2, Sequence.T2),
    )
    return next((role for pattern, role in rules if pattern.search(words)), None)
