"""What is known of a study before a batch comes to it, from its headers alone."""

from dataclasses import dataclass

from desktop_app.domain.study import Sequence, Study
from desktop_app.services.opening.import_study import choose_roles
from desktop_app.services.opening.nameless_series import can_name
from desktop_app.services.preflight.headers import why_too_few


@dataclass(frozen=True, slots=True)
class Outlook:
    """What will become of a study.

    Parameters
    ----------
    sentence
        What somebody who starts the batch should know; empty where nothing is missing.
    is_refused
        Whether it cannot be segmented.
    """

    sentence: str = ""
    is_refused: bool = False


def outlook_of(study: Study) -> Outlook:
    """Say beforehand which sequences a study lacks, and whether it can be segmented."""
    roles = choose_roles(study, {})
    if can_name(study, roles):
        return Outlook("Series without a description will be told apart by their images.")
    if refusal := why_too_few(roles):
        return Outlook(refusal, is_refused=True)
    missing = [sequence.value for sequence in Sequence if sequence not in roles]
    if missing:
        return Outlook(f"Without {' and '.join(missing)}: the result will be less certain.")
    return Outlook()
