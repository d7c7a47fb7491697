"""The PDF is one A4 page with real text, whatever stands on it, with and without a window."""

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import NO_TUMOUR_FOUND
from desktop_app.errors import OutputError
from desktop_app.services.export.export_study import export_study
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.export.report import DISCLAIMER, ReportPage, build_page
from tests import export_cases as cases
from ui.pdf_report import PdfReport

pytestmark = pytest.mark.usefixtures("qapp")


def rendered(page: ReportPage, path: Path) -> Path:
    PdfReport().render(page, path)
    return path


def text_of(path: Path) -> str:
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("needs pdftotext (Debian package poppler-utils)")
    command = [program, "-layout", str(path), "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode()


def page_count(path: Path) -> int:
    return path.read_bytes().count(b"/Type /Page\n")


def test_text_can_be_searched(result: StudyResult, tmp_path: Path) -> None:
    words = text_of(rendered(build_page(result), tmp_path / "report.pdf"))
    assert DISCLAIMER in words
    for expected in (
        "Müller-Łoś, Zoë",
        cases.PATIENT_ID,
        "2024-02-29",
        "Enhancing tumour (ET)",
        "Ax T1 +C",
        "missing",
        "T2 is missing.",
        "slim_unetrpp",
        "0123456789ab",
        "5 cm",
    ):
        assert expected in words, expected


def test_content_fits_one_page_however_long(result: StudyResult, tmp_path: Path) -> None:
    long = " ".join(["a warning with very many words in it"] * 8)
    segmentation = replace(result.segmentation, warnings=tuple([long] * 40))
    patient = replace(result.study.patient, name="Aa" * 60, patient_id="7" * 64)
    study = replace(result.study, patient=patient, description="Ünüsual " * 30)
    page = build_page(replace(result, study=study, segmentation=segmentation))
    path = rendered(page, tmp_path / "report.pdf")
    assert page_count(path) == 1
    words = text_of(path)
    assert "more warnings in measurements.json" in words
    assert "slim_unetrpp" in words


def test_no_tumour_is_on_the_page(result: StudyResult, tmp_path: Path) -> None:
    labels = result.segmentation.labels_kji * 0
    empty = cases.study_result(tmp_path, labels_kji=labels, series=result.roles)
    text = text_of(rendered(build_page(empty), tmp_path / "report.pdf"))
    assert NO_TUMOUR_FOUND in " ".join(text.split())


def test_markup_in_free_text_stays_text(result: StudyResult, tmp_path: Path) -> None:
    study = replace(result.study, description="<b>1 < 2 & 3</b>")
    words = text_of(rendered(build_page(replace(result, study=study)), tmp_path / "report.pdf"))
    assert "<b>1 < 2 & 3</b>" in words


def test_characters_without_a_font_are_told(result: StudyResult, tmp_path: Path) -> None:
    study = replace(result.study, description=f"MR {chr(0xF1234)}")
    words = text_of(rendered(build_page(replace(result, study=study)), tmp_path / "report.pdf"))
    assert "no font for some characters" in words
    # A bare system has no font for the patient's name in Japanese either.
    plain = replace(result.study, patient=replace(result.study.patient, name="Müller^Zoë"))
    words = text_of(rendered(build_page(replace(result, study=plain)), tmp_path / "whole.pdf"))
    assert "no font for some characters" not in words


def test_fonts_are_inside(result: StudyResult, tmp_path: Path) -> None:
    program = shutil.which("pdffonts")
    if program is None:
        pytest.skip("needs pdffonts (Debian package poppler-utils)")
    path = rendered(build_page(result), tmp_path / "report.pdf")
    lines = subprocess.run([program, path], check=True, capture_output=True, text=True).stdout
    fonts = lines.splitlines()[2:]
    assert fonts
    assert all(" yes " in line for line in fonts)


def test_anonymised_file_names_nobody(result: StudyResult, tmp_path: Path) -> None:
    path = rendered(build_page(result, anonymise=True), tmp_path / "report.pdf")
    words = text_of(path)
    assert "Anonymised" in words
    for private in ("Müller", "Zoë", cases.PATIENT_ID, "1951", "Schädel", "2024-02-29"):
        assert private not in words


def test_failure_to_write_leaves_no_file(
    result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError):
        export_study(
            result, tmp_path / "out", formats=[ExportFormat.PDF], page_renderer=PdfReport()
        )
    assert list(tmp_path.iterdir()) == []


def test_window_application_is_used_where_there_is_one(qapp: QGuiApplication) -> None:
    PdfReport()
    assert QGuiApplication.instance() is qapp


def test_command_line_needs_no_display(tmp_path: Path, repository_root: Path) -> None:
    """A process without display or application draws the page all the same."""
    program = (
        "import sys, pathlib\n"
        "from tests import export_cases as cases\n"
        "from desktop_app.services.export.report import build_page\n"
        "from ui.pdf_report import PdfReport\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "page = build_page(cases.study_result(folder / 'study'))\n"
        "PdfReport().render(page, folder / 'report.pdf')\n"
    )
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        check=True,
        cwd=repository_root,
        env=environment,
    )
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.4")


def test_picture_shows_the_page(result: StudyResult) -> None:
    picture = PdfReport().picture(build_page(result))
    assert (picture.shape, picture.dtype) == ((297 * 6, 210 * 6, 3), "uint8")
    assert (picture[:60] == 255).all()
    assert picture.min() == 0
