"""Comparisons of the examinations of `follow_up_cases`, for tests of how they are shown."""

from typing import Any

import pytest

from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.result import StudyResult
from desktop_app.imaging import registration as registering
from desktop_app.services.follow_up import compare_results
from tests import follow_up_cases as cases
from tests.follow_up_cases import GRID, ball, earlier_visit, visit


def compared(
    now: StudyResult | None = None, earlier: StudyResult | None = None, **changes: Any
) -> FollowUp:
    """A tumour that grew from 9 to 13 mm, laid on the earlier one without error.

    Parameters
    ----------
    changes
        What registering found otherwise.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            registering,
            "register_rigid",
            lambda moving, fixed, **_: cases.registration(moving, fixed, **changes),
        )
        return compare_results(now or visit(ball(GRID, 13.0)), earlier or earlier_visit(9.0))


def apart() -> FollowUp:
    """The same where the images could not be laid on each other."""
    return compared(ok=False, message="Could not be registered.")
