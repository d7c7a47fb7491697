"""Which of two DICOM dates is the earlier one."""

import pytest

from desktop_app.domain.dates import DateOrder, date_order, days_between


@pytest.mark.parametrize(
    ("earlier", "now", "order", "days"),
    [
        ("20250312", "20250904", DateOrder.EARLIER, 176),
        ("20240228", "20240301", DateOrder.EARLIER, 2),
        ("20250904", "20250904", DateOrder.SAME_DAY, 0),
        ("20250905", "20250904", DateOrder.LATER, -1),
        ("", "20250904", DateOrder.UNKNOWN, None),
        ("20250904", "", DateOrder.UNKNOWN, None),
        ("20250230", "20250904", DateOrder.UNKNOWN, None),
        ("2025-09-04", "20250904", DateOrder.UNKNOWN, None),
        ("2025090", "20250904", DateOrder.UNKNOWN, None),
        ("２０２５０９０４", "20250904", DateOrder.UNKNOWN, None),
    ],
)
def test_dates_are_told_apart(earlier: str, now: str, order: DateOrder, days: int | None) -> None:
    assert date_order(earlier, now) is order
    assert days_between(earlier, now) == days
