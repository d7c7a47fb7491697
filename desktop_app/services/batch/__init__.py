"""Every study below a folder: isolated, resumable, summed up in one table."""

from desktop_app.services.batch.batch import Batch
from desktop_app.services.batch.corrected import note_export
from desktop_app.services.batch.journal import CaseListener
from desktop_app.services.batch.listing import place_below
from desktop_app.services.batch.local import LocalPlace
from desktop_app.services.batch.options import BatchOptions, BatchOutcome, WatchOptions
from desktop_app.services.batch.outlook import Outlook, outlook_of
from desktop_app.services.batch.proposed import proposed_output
from desktop_app.services.batch.reviewed import note_review
from desktop_app.services.batch.state import CaseState, CaseStatus, ReviewState

__all__ = [
    "Batch",
    "BatchOptions",
    "BatchOutcome",
    "CaseListener",
    "CaseState",
    "CaseStatus",
    "LocalPlace",
    "Outlook",
    "ReviewState",
    "WatchOptions",
    "note_export",
    "note_review",
    "outlook_of",
    "place_below",
    "proposed_output",
]
