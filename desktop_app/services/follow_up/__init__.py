"""A study beside an earlier one of the same patient: images, labels and numbers."""

from desktop_app.services.follow_up.candidates import EarlierStudy, earlier_studies
from desktop_app.services.follow_up.compare import (
    compare_results,
    compare_studies,
    compare_with_earlier,
    with_labels,
)
from desktop_app.services.follow_up.document import (
    follow_up_document,
)
from desktop_app.services.follow_up.doubts import ON_BORDERS
from desktop_app.services.follow_up.parts import part_in_words
from desktop_app.services.follow_up.save import SavedFollowUp, save_follow_up

__all__ = [
    "ON_BORDERS",
    "EarlierStudy",
    "SavedFollowUp",
    "compare_results",
    "compare_studies",
    "compare_with_earlier",
    "earlier_studies",
    "follow_up_document",
    "part_in_words",
    "save_follow_up",
    "with_labels",
]
