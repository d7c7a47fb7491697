"""What the header says of contrast agent; only the pixels can tell that it shows."""

from desktop_app.domain.preflight import Aspect, Check, Light
from desktop_app.domain.study import Sequence, Series

_NO_AGENT = {"", "NONE", "NO", "N", "0", "NEIN"}


def check_agent(sequence: Sequence, series: Series) -> Check | None:
    """Compare the header with what a T1 or T1c should say.

    Returns
    -------
    Check or None
        ``None`` for T2 and FLAIR, of which contrast agent is not asked.
    """
    if sequence not in (Sequence.T1, Sequence.T1C):
        return None
    if series.is_nifti:
        sentence = "NIfTI does not tell; the images are compared when they are segmented."
        return Check(Aspect.CONTRAST, Light.UNKNOWN, sentence)
    agent = _agent(series)
    administered = series.attributes.get("ContrastAdministered", "").upper()
    told = _told_of_t1c if sequence is Sequence.T1C else _told_of_t1
    light, sentence = told(agent, administered)
    return Check(Aspect.CONTRAST, light, sentence)


def _agent(series: Series) -> str:
    values = (
        series.attributes.get(key, "").strip()
        for key in ("ContrastBolusAgent", "ContrastBolusAgentSequence")
    )
    return next((value for value in values if value.upper() not in _NO_AGENT), "")


def _told_of_t1c(agent: str, administered: str) -> tuple[Light, str]:
    if administered == "NO":
        return Light.FAIR, "The header says that no contrast agent was given."
    if agent:
        return Light.GOOD, f"The header names a contrast agent ({agent})."
    if administered == "YES":
        return Light.GOOD, "The header says that contrast agent was given."
    return Light.FAIR, "The header names no contrast agent."


def _told_of_t1(agent: str, administered: str) -> tuple[Light, str]:
    if administered == "YES":
        return Light.FAIR, "The header says that contrast agent was given."
    if agent:
        # Scanners write it once for the examination, on the images before the injection too.
        return Light.UNKNOWN, f"The header names a contrast agent ({agent}), perhaps given later."
    return Light.GOOD, "The header names no contrast agent."
