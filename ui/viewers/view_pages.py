"""Pages of four views in one place, two by two; of each page one view may be shown alone."""

from collections.abc import Mapping
from enum import Enum
from itertools import pairwise

from PySide6.QtWidgets import QGridLayout, QWidget

from ui.viewers.slice_view import SliceView
from ui.viewers.volume_view import VolumeView

View = SliceView | VolumeView


class ViewLayout(Enum):
    """What stands beside each other."""

    PLANES = "Three planes and 3D"
    SEQUENCES = "Four sequences"


class ViewPages(QGridLayout):
    """Shows one page of views at a time; each page keeps which of its views is alone.

    Parameters
    ----------
    pages
        The views of each, children of `parent`; the first page is shown first.
    """

    def __init__(self, pages: Mapping[ViewLayout, tuple[View, ...]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(2)
        self._pages = dict(pages)
        self._alone: dict[ViewLayout, View] = {}
        self._page = next(iter(self._pages))
        order = [view for views in self._pages.values() for view in views]
        for views in self._pages.values():
            for cell, view in enumerate(views):
                self.addWidget(view, cell // 2, cell % 2)
        for one, following in pairwise(order):
            QWidget.setTabOrder(one, following)
        self._arrange()

    @property
    def page(self) -> ViewLayout:
        """The page shown."""
        return self._page

    @property
    def views(self) -> tuple[View, ...]:
        """The views of the page shown, also those that another one hides."""
        return self._pages[self._page]

    @property
    def alone(self) -> View | None:
        """The view that is shown alone."""
        return self._alone.get(self._page)

    @property
    def first(self) -> View:
        """The first view in sight."""
        return self.alone or self.views[0]

    def turn_to(self, page: ViewLayout) -> None:
        """Show another page; the keys go on to reach a view if they did before."""
        has_keys = any(view.hasFocus() for view in self.views)
        self._page = page
        self._arrange()
        if has_keys:
            self.first.setFocus()

    def toggle_alone(self, view: View) -> None:
        """Show one view alone, or all again if it was alone."""
        if self.alone is view:
            self.show_all()
            return
        self._alone[self._page] = view
        self._arrange()
        view.setFocus()

    def show_all(self) -> None:
        """Show all views of the page."""
        self._alone.pop(self._page, None)
        self._arrange()

    def _arrange(self) -> None:
        """Divide the room among the views shown: an empty row would keep its share."""
        shown = [
            divmod(cell, 2) for cell, view in enumerate(self.views) if self.alone in (None, view)
        ]
        for page, views in self._pages.items():
            for view in views:
                view.set_maximised(view is self._alone.get(page))
                view.setVisible(page is self._page and self.alone in (None, view))
        for line in range(2):
            self.setRowStretch(line, int(any(row == line for row, _ in shown)))
            self.setColumnStretch(line, int(any(column == line for _, column in shown)))
