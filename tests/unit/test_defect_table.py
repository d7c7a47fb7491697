"""Each row of the table of defects comes to what the table says, and the user is told."""

from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.study import Series
from desktop_app.errors import UserFacingError
from desktop_app.io.load import load_series
from desktop_app.io.scan import scan
from tests.defects import DEFECTS, Defect


def defects(*, refused: bool) -> pytest.MarkDecorator:
    rows = [defect for defect in DEFECTS if bool(defect.refused) is refused]
    return pytest.mark.parametrize("defect", rows, ids=lambda row: row.name)


def images(folder: Path) -> list[Series]:
    (study,) = scan(folder).studies
    return [series for series in study.series if series.usable]


@defects(refused=False)
def test_repaired_or_separated_and_told(defect: Defect, tmp_path: Path) -> None:
    defect.write(tmp_path)
    found = images(tmp_path)
    assert len(found) == len(defect.images)
    for series, expected in zip(found, defect.images, strict=True):
        volume = load_series(series)
        np.testing.assert_allclose(volume.array_kji, expected, atol=defect.tolerance, rtol=1e-6)
        if defect.told:
            assert any(defect.told in note for note in volume.notes), volume.notes
        else:
            assert volume.notes == ()


@defects(refused=True)
def test_refused_with_the_reason(defect: Defect, tmp_path: Path) -> None:
    defect.write(tmp_path)
    with pytest.raises(UserFacingError) as refused:
        load_series(images(tmp_path)[0])
    assert defect.refused in refused.value.detail
    assert refused.value.title
    assert refused.value.remedy


def test_every_sentence_is_one(tmp_path: Path) -> None:
    """What is told stands in reports: a capital first, a full stop last, no path of the patient."""
    for number, defect in enumerate(DEFECTS):
        if defect.refused:
            continue
        folder = tmp_path / str(number)
        defect.write(folder)
        for series in images(folder):
            for note in load_series(series).notes:
                assert note[0].isupper() or note[0].isdigit(), note
                assert note.endswith("."), note
                assert str(tmp_path) not in note
