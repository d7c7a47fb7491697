"""Draws the report of a comparison onto an A4 sheet."""

from desktop_app.services.follow_up.page import FollowUpPage
from ui import report_html
from ui.sheet import GAP, Sheet


class FollowUpSheet(Sheet):
    """Lays a page out as that of one study is: numbers, pictures then and now, provenance."""

    def draw(self, page: FollowUpPage) -> None:
        """Draw the page; what is too long for one sheet is cut and counted."""
        warnings = (*page.warnings, *self.unwritable(" ".join(v for _, v in page.identity)))
        y = self.head(page.title, page.created, page.disclaimer)
        y = self.place(self.text(report_html.identity(page.identity)), y) + GAP / 2
        y = self.finding(page.finding, y)
        y = self.place(self.text(report_html.changes(page)), y)
        bottom = self.footer(page.provenance)
        self.pictures_and_warnings(
            page.images, warnings, "the window of the comparison", y + GAP, bottom - GAP
        )
