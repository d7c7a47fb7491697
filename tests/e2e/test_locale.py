"""A command that draws pages says nothing of the locale, as a batch at night may have none."""

import os
import subprocess
import sys

import pytest

DRAWS = "from desktop_app.gui import page_renderer; page_renderer()"


@pytest.mark.skipif(sys.platform != "linux", reason="others have no such locales")
@pytest.mark.parametrize("name", ["C", "not_INSTALLED"])
def test_no_word_about_the_locale(name: str) -> None:
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("LC_")}
    surroundings |= {"LANG": name, "LC_ALL": name, "QT_QPA_PLATFORM": "offscreen"}
    surroundings |= {"PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", DRAWS],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "locale" not in done.stderr
