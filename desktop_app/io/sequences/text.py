"""What words in descriptions and file names say about a sequence."""

import re

from desktop_app.domain.study import Sequence

_SEPARATOR = re.compile(r"[\s_\-/\\.,;:()\[\]]+")

# Chinese, Japanese and Korean write without blanks; Cyrillic has a letter that looks like T.
_CYRILLIC_T = re.compile(r"т(?=[12])")
_EASTERN = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_BESIDE_EASTERN = re.compile(rf"(?<={_EASTERN})(?=[a-z0-9])|(?<=[a-z0-9])(?={_EASTERN})")
_FLAIR = re.compile(r"flair|tirm|spcir|dark fluid|darkfluid|\bt2f\b")
_T1_FLAIR = re.compile(r"\bt1w?( \w+)? ?(?:flair|tirm|dark ?fluid)|\bt1flair")
# Of an MP2RAGE only the combined image is like a T1.
_T1 = re.compile(
    r"\bt1|t1w|mprage|mp rage|\bbravo\b|spgr|\bvibe|\d?d?tfe\b|\btfl\b|\bmpr?age"
    r"|mp2rage.*\buni|\buni\b.*mp2rage"
)
_T2 = re.compile(r"\bt2|t2w")
_DIFFUSION, _PERFUSION, _ECHO_PLANAR = "diffusion", "perfusion", "echo planar"
# A series may be named after what it was taken for or after: T1 POST PERFUSION.
_MAY_BE_OF_ANOTHER = frozenset({_DIFFUSION, _PERFUSION, _ECHO_PLANAR})
_DOUBLE_INVERSION = re.compile(r"\bdir\b(?! (?:ap|pa|lr|rl|si|is)\b)|double (?:inv|ir\b)|doppelinv")
_DYNAMIC = re.compile(
    r"(?:\b|t1w?)dyn(?!acad)|\btwist\b|\bdisco\b|\btricks\b|\bgrasp\b"
    r"|4d ?(?:thrive|trak)|time ?resolved"
)
_MAP = re.compile(r"(?<!brain )\bmap(?:s|it)?\b|\bt[12]w? ?map(?!ped)|mp2rage.*\bt[12] images\b")
_SINGLE_INVERSION = re.compile(r"\binv ?[12]\b")
_DERIVED = "a derived picture"
_SUBTRACTION = "subtr|substr|sustrac|soustr|sottraz"
_ELSEWHERE = "of another part of the body"
_BODY = r"spine|lumbar|thorac|cervic|\bknee\b"
_BRAIN = r"brain|head|neuro|crani|skull"
_NOT_ANATOMICAL = (
    (re.compile(r"locali[sz]|scout|survey|\bloc\b|plan scan|smartbrain"), "a localizer"),
    (
        re.compile(
            r"\badc\b|trace|\bdwi\b|\bdti\b|\bdiff\b|diffusi|difusi|\bb ?1000|\bexp\b|tensor"
        ),
        _DIFFUSION,
    ),
    (re.compile(r"\bswi\b|\bswan\b|suscept|\bt2 ?(\*|star)|hemo|venbold"), "susceptibility"),
    (re.compile(r"\btof\b|angio|\bmra\b|\bmrv\b|\bpca\b"), "angiography"),
    (re.compile(r"perf|\bdsc\b|\bdce\b|\bcb[fv]\b|\bmtt\b|\bttp\b|\basl\b|pcasl"), _PERFUSION),
    (re.compile(r"\bbold\b|fmri|resting|\bep2d|\bepi\b"), _ECHO_PLANAR),
    (re.compile(rf"\bmn?ip\b|project|\bsub\b|{_SUBTRACTION}|screen ?save|\breport\b"), _DERIVED),
    # "DT1" may be a patient.
    (re.compile(r"\b(?:delta ?|d)t1w?\b(?!.*(?:\bt[12]|flair))|\bt1w? delta\b"), _DERIVED),
    (re.compile(r"\bstir\b"), "fat-suppressed by short inversion"),
    (_DOUBLE_INVERSION, "double inversion recovery"),
    (_DYNAMIC, "a dynamic series"),
    (re.compile(r"field ?map|calib|\bb0 ?map|shim|spectro|\bmrs\b|\bsvs\b"), "a calibration"),
    (_MAP, "a map"),
    (_SINGLE_INVERSION, "one inversion of an MP2RAGE"),
    (re.compile(_BODY), _ELSEWHERE),
    # Orbits are often named along with the brain they were scanned with.
    (re.compile(r"^(?!.*(?:brain|head)).*\borbit"), _ELSEWHERE),
    (re.compile(r"\bciss\b|fiesta|trufi|\bb ?ffe\b|balanced"), "a steady-state image"),
)
# An examination of the orbits is one of the brain as well.
_EXAMINATION_ELSEWHERE = re.compile(rf"^(?!.*(?:{_BRAIN})).*(?:{_BODY})")
# Names of techniques, which say nothing where the weighting itself is known.
_GRADIENT_ECHO = re.compile(r"\bgre\b")
_PROTON_DENSITY = re.compile(r"\bpd\b|proton")

# "Post" and "pre" also stand before what has nothing to do with contrast agent.
_OPERATION = r"(?! ?(?:minus )?(?:op\b|oper|surg|rt\b|rad|treat|chem|proc))"
_POST = rf"post(?!er|ur|\w* ?fossa){_OPERATION}"
_AGENT = r"(?:[ck]ontra|con\b|gad|gd\b|ce\b|[ck]\b|km\b|mdc\b|inj|enh)"
# The protocol of a whole examination, on every one of its series: says nothing of a single one.
_AND = r"(?: contrast)?(?: (?:&|and|und|et|\+))? "
_BOTH = re.compile(
    rf"\b(?:(?:w|with|mit|avec|pre){_AND}(?:wo|w o|without|ohne|sans|post)"
    rf"|(?:wo|w o|without|ohne|sans){_AND}(?:w|with|mit|avec)|wwo)\b(?! ?fossa)"
    r"(?: (?:[ck]ontrast\w*|con|gad\w*|gd|km|c|iv)\b)*"
    r"|(?:平扫|平掃|単純)[ +&]*(?:增强|增強|造影)"
)
_FOREIGN_WITH = "增强|增強|造影|조영|контраст"
_FOREIGN_WITHOUT = (
    "平扫|平掃|単純|未增强|未增強|非增强|非造影|(?:造影|增强|增強|조영) ?(?:前|전)|비조영"
    "|без контраст|до контраст|нативн"
)
_WITH_CONTRAST = re.compile(
    rf"{_FOREIGN_WITH}|{_POST}"
    r"|\+ ?[ck]\b|\b[ck]\+|\bgad|gado|\bgd\b|\bkm\b|\bce\b|[ck]ontrast|enhanced"
    r"|\bt1w? ?(gd|c|ce|km|gad)\b|\bw ?/? ?c\b|\bmit k|\bmdc\b|\binj"
)
# Without something else than contrast agent, fat saturation for one, says nothing.
_WITHOUT = (
    r"\b(?:without|w ?/? ?o|wo|ohne|sans|senza|zonder)\b"
    r"(?! (?:fs\b|fat|fett|spair|gap|angul|mt\b|skull))"
)
_WITHOUT_CONTRAST = re.compile(
    rf"{_FOREIGN_WITHOUT}"
    rf"|(?:\b|t1w?)pre(?:\b(?! ?scan){_OPERATION}|{_AGENT})|nativ|unenh|\bplain\b"
    rf"|{_WITHOUT}"
    rf"|\bnon?t?(?: iv)? ?{_AGENT}|\b(?:sin|sem)(?: \w+)? {_AGENT}"
    rf"|\b(?:vor|avant|antes|before)\b{_OPERATION}"
)
# A minus is a separator everywhere but in these, and between what was subtracted: T1 POST - T1 PRE.
_MINUS_CONTRAST = re.compile(r"(?<![a-z0-9])c-(?!\w)|\s-c\b")
_MINUS = re.compile(r"[-\u2212\u2013]|\b(?:minus|vs|versus|moins)\b", re.IGNORECASE)
_GIVEN = (
    rf"(?:\b{_POST}\w*|\b(?:gd|gad\w*|km|ce|mdc|[ck]ontrast\w*|enhanced)\b|\+ ?[ck]\b|\b[ck]\+"
    r"|\bt1w?(?:gd|ce|c|km)\b)"
)
_PLANES = r"(?:(?:ax\w*|sag\w*|cor\w*|tra\w*|[23]d) )*"
_DIFFERENCE = re.compile(
    rf"{_GIVEN}(?: \w+){{0,3}} minus {_PLANES}(?:t1w? )?{_PLANES}"
    rf"(?:pre\b(?! ?scan){_OPERATION}|nativ|unenh|plain\b|{_WITHOUT})"
)
# The second T1 may also be what the scanner calls the first one: T1 POST - T1 MPRAGE.
_DIFFERENCE_OF_T1 = re.compile(
    rf"\bt1w?(?:\b.*{_GIVEN}|(?:gd|ce|c|km)\b)(?: \w+){{0,2}} minus {_PLANES}t1w?\b(?!.*{_GIVEN})"
)

# Patients are sometimes numbered by their lesions.
_NUMBERED_LESION = re.compile(r"^(?:\w+ )?lesion ?\d+ ")
_LABEL_FILE = re.compile(
    r"seg\b|segment|mask(?!ed)|label|pred|ground ?truth|\bgt\b|coverage|\broi\b|lesion|tissue"
)
_NAME_T1C = re.compile(
    rf"\bt1w? ?(ce|c|gd|gad|gado|km|{_POST}|contrast|con|enhanced)\b"
    rf"|\b(ce|gd|gad|{_POST}|contrast)( \w+)? t1w?\b"
    rf"|\bt1w?( \w+)* (ce|gd|gad|{_POST}|contrast|postcontrast)\b"
    rf"|\bt1.*(?:{_FOREIGN_WITH})|(?:{_FOREIGN_WITH}).*\bt1"
)
_NO_ROLE_IN_FILE_NAME = (
    re.compile(_SUBTRACTION),
    re.compile(r"(?<!^)\b(?:dir|double ir)\b(?! (?:ap|pa|lr|rl|si|is)\b)"),
    re.compile(r"\bt[12]w? ?map|\bt1.*\b(?:dyn(?!acad)|twist\b)"),
    _SINGLE_INVERSION,
)
# Written in one word, as data sets do; "pre" beside it is a time before treatment.
_NAME_CERTAIN_T1C = re.compile(r"\bt1w?(ce|c|gd)\b")
_NAME_FLAIR = re.compile(r"flair|\bt2f\b")
_NAME_T1 = re.compile(r"\bt1w?\d?\b|\bt1n\b|\bt1 ?pre|mprage")
_NAME_T2 = re.compile(r"\bt2w?\b(?! ?(?:\*|star))")


def normalised(text: str) -> str:
    """Return text in lower case with every separator a single blank."""
    latin = _CYRILLIC_T.sub("t", text.lower())
    return _SEPARATOR.sub(" ", _BESIDE_EASTERN.sub(" ", latin)).strip()


def weighting_in(text: str) -> Sequence | None:
    """Return the weighting that a description names (T1 whether with contrast or not)."""
    words = normalised(text)
    if _FLAIR.search(words) and not _T1_FLAIR.search(words):
        return Sequence.FLAIR
    if _T1.search(words) or _T1_FLAIR.search(words):
        return Sequence.T1
    return Sequence.T2 if _T2.search(words) else None


def not_anatomical(
    text: str,
    physics: Sequence | None = None,
    *,
    is_plain: bool = False,
    is_original: bool = False,
) -> str:
    """Return what a description says the series is instead of T1, T2 or FLAIR; else empty.

    Parameters
    ----------
    text
        The series' description.
    physics
        The weighting that its timing tells. Some words (gradient echo, proton density) exclude a
        series only where neither timing nor the other words name a weighting.
    is_plain
        Whether its timing is of no diffusion, perfusion or functional series; words of these then
        exclude nothing.
    is_original
        Whether its images say that they are as acquired: a minus between two T1 is then a hyphen.
    """
    words = normalised(text)
    passed = _MAY_BE_OF_ANOTHER if is_plain else frozenset()
    for pattern, what in _NOT_ANATOMICAL:
        if what not in passed and pattern.search(words):
            return what
    terms = normalised(_MINUS.sub(" minus ", text))
    if _DIFFERENCE.search(terms) or (not is_original and _DIFFERENCE_OF_T1.search(terms)):
        return _DERIVED
    is_t1 = Sequence.T1 in (physics, weighting_in(text))
    if _GRADIENT_ECHO.search(words) and not is_t1:
        return "susceptibility"
    if _PROTON_DENSITY.search(words) and physics is None and not is_t1:
        return "proton density"
    return ""


def examination_elsewhere(text: str) -> str:
    """Return that an examination's name says it was not of the brain; else empty."""
    return _ELSEWHERE if _EXAMINATION_ELSEWHERE.search(normalised(text)) else ""


def quality_of_mp2rage(text: str) -> float | None:
    """Return how good a T1 an image of MP2RAGE is, 0 to 1; ``None`` if it is none of these.

    The combined image (UNI) is full of noise outside the head unless that was taken out (DEN).
    """
    words = normalised(text)
    if "mp2rage" not in words and not re.search(r"\buni (?:den|images)\b", words):
        return None
    return 0.9 if re.search(r"\buni ?den", words) else 0.8


def contrast_in(text: str) -> bool | None:
    """Return whether a description says with or without contrast; ``None`` if neither or both."""
    words = _BOTH.sub(" ", normalised(text))
    if _WITHOUT_CONTRAST.search(words) or _MINUS_CONTRAST.search(text.lower()):
        return False
    return True if _WITH_CONTRAST.search(words) else None


def role_in_file_name(name: str) -> Sequence | None:
    """Return the sequence that a NIfTI file's name tells; ``None`` for masks and other names.

    Knows the patterns of the command line's manual and the names of BraTS 2021
    (``_t1 _t1ce _t2 _flair``), BraTS 2023 (``-t1n -t1c -t2w -t2f``) and BIDS.
    """
    stem = _stem(name)
    words = normalised(stem)
    if _is_label(words) or any(kind.search(words) for kind in _NO_ROLE_IN_FILE_NAME):
        return None
    rules = (
        (_NAME_FLAIR, Sequence.FLAIR),
        (_NAME_CERTAIN_T1C, Sequence.T1C),
        (_NAME_T1C, Sequence.T1 if contrast_in(stem) is False else Sequence.T1C),
        (_NAME_T1, Sequence.T1),
        (_NAME_T2, Sequence.T2),
    )
    return next((role for pattern, role in rules if pattern.search(words)), None)


def names_something_else(name: str) -> bool:
    """Whether a NIfTI file's name says mask, or an image that is none of the four sequences."""
    stem = _stem(name).removeprefix("sub-")
    return _is_label(normalised(stem)) or bool(not_anatomical(stem))


def _stem(name: str) -> str:
    return re.sub(r"\.nii(\.gz)?$", "", name.lower())


def _is_label(words: str) -> bool:
    return bool(_LABEL_FILE.search(_NUMBERED_LESION.sub("", words)))
