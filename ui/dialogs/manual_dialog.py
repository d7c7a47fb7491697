"""The manual: pages on the left, the one to read on the right; nothing is fetched from anywhere."""

from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QImageReader, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from ui.manual import ManualPage
from ui.widgets.screen_room import resize_within_screen

_LIST_WIDTH = 310
_SIZE = (1100, 760)
_MARGIN = 14
# Leaves room for margins and the scroll bar.
_PICTURE_WIDTH = 680


class ManualDialog(QDialog):
    """Shows the pages of the manual beside the window.

    Parameters
    ----------
    pages
        At least one.
    """

    def __init__(self, pages: Many[ManualPage], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Manual")
        resize_within_screen(self, *_SIZE)
        self._pages = tuple(pages)
        self._list = QListWidget()
        self._list.setAccessibleName("Pages of the manual")
        self._list.setFixedWidth(_LIST_WIDTH)
        self._list.addItems([page.title for page in pages])
        self.text = _Page()
        self.text.setAccessibleName("Page")
        self.text.anchorClicked.connect(self._follow)
        self._list.currentRowChanged.connect(lambda row: self.text.show_file(pages[row].file))
        row = QHBoxLayout()
        row.addWidget(self._list)
        row.addWidget(self.text, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(row, 1)
        layout.addWidget(buttons)

    def show_page(self, file: Path) -> None:
        """Turn to a page."""
        files = [page.file for page in self._pages]
        if file in files:
            self._list.setCurrentRow(files.index(file))
        else:  # a page that is not listed: why something is as it is
            self._list.clearSelection()
            self.text.show_file(file)

    def _follow(self, url: QUrl) -> None:
        """Turn to the page that a link names; what lies outside is the browser's."""
        if url.scheme() in {"http", "https"}:
            QDesktopServices.openUrl(url)
        elif not url.path():
            self.text.scrollToAnchor(url.fragment())
        elif url.path().endswith(".md"):
            self.show_page((self.text.file.parent / url.path()).resolve())


class _Page(QTextBrowser):
    """One page of Markdown with its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)
        self.file = Path()
        self.document().setDocumentMargin(_MARGIN)

    def show_file(self, file: Path) -> None:
        """Show a page from its beginning."""
        self.file = file
        features = QTextDocument.MarkdownFeature
        self.document().setMarkdown(
            file.read_text("utf-8"), features.MarkdownDialectGitHub | features.MarkdownNoHTML
        )
        self._wrap_commands()
        # Where the cursor is, the page is shown: at its end otherwise.
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def _wrap_commands(self) -> None:
        """Break long lines of commands; whole ones would lie beside the page."""
        cursor = QTextCursor(self.document())
        block = self.document().begin()
        while block.isValid():
            layout = block.blockFormat()
            if layout.nonBreakableLines():
                layout.setNonBreakableLines(False)
                cursor.setPosition(block.position())
                cursor.setBlockFormat(layout)
            block = block.next()

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Return a picture beside the page, no wider than the page."""
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, name)
        reader = QImageReader(str(self.file.parent / QUrl(name).path()))
        size = reader.size()
        if size.width() > _PICTURE_WIDTH:
            wanted = QSize(_PICTURE_WIDTH, size.height())
            reader.setScaledSize(size.scaled(wanted, Qt.AspectRatioMode.KeepAspectRatio))
        picture: QImage = reader.read()
        return picture
