"""Draws the report of a study onto an A4 sheet."""

from desktop_app.services.export.report import ReportPage
from ui import report_html
from ui.sheet import GAP, WIDTH, Sheet

_VOLUMES_SHARE, _SEQUENCES_SHARE = 0.55, 0.41


class ReportSheet(Sheet):
    """Lays a page out: fixed parts from the top, provenance at the foot, pictures in between."""

    def draw(self, page: ReportPage) -> None:
        """Draw the page; what is too long for one sheet is cut and counted."""
        volumes = self.text(report_html.volumes(page), _VOLUMES_SHARE * WIDTH)
        sequences = self.text(report_html.sequences(page), _SEQUENCES_SHARE * WIDTH)
        typed_in = " ".join([v for _, v in page.identity] + [row.series for row in page.sequences])
        warnings = (*page.warnings, *self.unwritable(typed_in))

        y = self.head(page.title, page.created, page.disclaimer)
        y = self.place(self.text(report_html.identity(page.identity)), y) + GAP / 2
        y = self.finding(page.finding, y)
        self.place(sequences, y, (1 - _SEQUENCES_SHARE) * WIDTH)
        y = max(self.place(volumes, y), y + sequences.size().height())
        y = self.place(self.text(report_html.measures(page)), y)
        bottom = self.footer(page.provenance)
        self.pictures_and_warnings(
            page.images, warnings, "measurements.json", y + GAP, bottom - GAP
        )
