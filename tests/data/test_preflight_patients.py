"""Real patients' images must not be called unusable for noise, motion or coverage."""

from pathlib import Path

import pytest

from desktop_app.domain.preflight import Light
from desktop_app.services.opening.import_study import choose_roles, load_roles, open_path
from desktop_app.services.preflight.headers import check_headers
from desktop_app.services.preflight.pixels import look_at_pixels

pytestmark = pytest.mark.patients

# Every third patient keeps the suite short; all 22 were measured once, see the thresholds.
_STUDIES = (
    *(f"train/BraTS2021_{number}" for number in ("00000", "00014", "01477", "01485", "01657")),
    "normal/patient19",
    "raw/TCGA-FG-6692",
)


@pytest.mark.parametrize("name", _STUDIES)
def test_no_real_image_is_called_unusable(shared_data: Path, name: str) -> None:
    study = open_path(shared_data / name, use_cache=False).studies[0]
    roles = choose_roles(study)
    assert len(roles) == 4
    looks = look_at_pixels(load_roles(roles))
    checked = check_headers(study, roles).updated({s: look.checks for s, look in looks.items()})
    red = [c for one in checked.sequences.values() for c in one.checks if c.light is Light.POOR]
    assert not red
    noisy = [look.checks[-1] for look in looks.values() if look.checks[-1].light is not Light.GOOD]
    assert not noisy
