"""Why the files of an earlier result cannot be used, in the words of every reader of them."""

from pathlib import Path

from desktop_app.errors import InputError


def unusable_result(title: str, file: Path) -> InputError:
    """Return what to raise of a result that is of no use."""
    return InputError(title, str(file), "Segment the study again.")


def result_of_other_images(file: Path) -> InputError:
    """Return what to raise of labels that do not lie on the grid of the images."""
    return InputError(
        "The result was made from other images.",
        str(file),
        "Choose the series that it was made from as T1c and open it again, or segment the study.",
    )
