"""The manual: pages on the left, the one to read on the right; nothing is fetched from anywhere."""

from collections.abc import Sequence as Many
from pathlib import Path

from PySide6.QtCore import QEvent, QRegularExpression, QSize, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QImage,
    QImageReader,
    QKeySequence,
    QShortcut,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLineEdit,
    QListWidget,
    QTextBrowser,
    QTextEdit,
    QWidget,
)

from ui.manual import ManualPage
from ui.widgets.card import styled_label
from ui.widgets.dialog_size import give_size
from ui.widgets.message import open_outside

_LIST_WIDTH = 310
_SIZE = (1100, 760)
_MARGIN = 14
# Leaves room for margins and the scroll bar.
_PICTURE_WIDTH = 680
_LEAST_LETTERS = 2
# Over light and dark pages alike
_MARK = QColor(252, 196, 25, 80)
_FEATURES = (
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    | QTextDocument.MarkdownFeature.MarkdownNoHTML
)


class ManualDialog(QDialog):
    """Shows the pages of the manual beside the window, all of them or those with some words.

    Parameters
    ----------
    pages
        At least one.
    """

    def __init__(self, pages: Many[ManualPage], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Manual")
        give_size(self, *_SIZE)
        self._pages = tuple(pages)
        self._texts: tuple[str, ...] = ()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search all pages (Ctrl + F)")
        self.search.setAccessibleName("Search all pages")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._look_for)
        self.found = styled_label("", "muted")
        self.found.hide()
        self._list = QListWidget()
        self._list.setAccessibleName("Pages of the manual")
        self._list.addItems([page.title for page in pages])
        self._list.currentRowChanged.connect(self._turn_to)
        self.text = _Page()
        self.text.setAccessibleName("Page")
        self.text.anchorClicked.connect(self._follow)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        # Return leads to the next place
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        self.search.returnPressed.connect(self.text.go_on)
        self.finished.connect(self.search.clear)
        self._add_keys()
        layout = QGridLayout(self)
        layout.addWidget(self.search, 0, 0)
        layout.addWidget(self.found, 1, 0)
        layout.addWidget(self._list, 2, 0)
        layout.addWidget(self.text, 0, 1, 3, 1)
        layout.addWidget(buttons, 3, 0, 1, 2)
        layout.setColumnMinimumWidth(0, _LIST_WIDTH)
        layout.setColumnStretch(1, 1)
        layout.setRowStretch(2, 1)
        self._list.setFocus()

    def show_page(self, file: Path) -> None:
        """Turn to a page."""
        files = [page.file for page in self._pages]
        row = files.index(file) if file in files else -1
        if row >= 0 and self._list.item(row).isHidden():
            self.search.clear()
        self._list.setCurrentRow(row)
        if self.text.file != file:  # a page that is not listed: why something is as it is
            self.text.show_file(file)

    def _add_keys(self) -> None:
        keys = QKeySequence.StandardKey
        QShortcut(keys.Find, self, lambda: self.search.setFocus(Qt.FocusReason.ShortcutFocusReason))
        QShortcut(keys.FindNext, self, self.text.go_on)
        QShortcut(keys.FindPrevious, self, self.text.go_back)

    def _turn_to(self, row: int) -> None:
        if row >= 0:
            self.text.show_file(self._pages[row].file)

    def _look_for(self, typed: str) -> None:
        """List the pages with these words, and turn to the first unless one of them is shown.

        Where a page has them side by side, only such pages are listed.
        """
        words = " ".join(typed.split()) if len(typed.strip()) >= _LEAST_LETTERS else ""
        self._texts = self._texts or tuple(_words_of(page.file) for page in self._pages)
        pages = list(enumerate(self._texts))
        rows = [row for row, text in pages if words.lower() in text]
        parts = words.lower().split()
        rows = rows or [row for row, text in pages if all(part in text for part in parts)]
        for row in range(len(self._pages)):
            self._list.item(row).setHidden(row not in rows)
        count = len(rows)
        self.found.setText(f"On {count} of {len(self._pages)} pages" if rows else "Not found")
        self.found.setVisible(bool(words))
        self.text.look_for(words)
        if rows and words and self._list.currentRow() not in rows:
            self._list.setCurrentRow(rows[0])

    def _follow(self, url: QUrl) -> None:
        """Turn to the page that a link names; what lies outside is the browser's."""
        if url.scheme() in {"http", "https"}:
            open_outside(url, self)
        elif not url.path():
            self.text.scrollToAnchor(url.fragment())
        elif url.path().endswith(".md"):
            self.show_page((self.text.file.parent / url.path()).resolve())


class _Page(QTextBrowser):
    """One page of Markdown with its pictures, on which words may be marked."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)
        self.file = Path()
        self._words, self._sought = "", QRegularExpression()
        self.document().setDocumentMargin(_MARGIN)

    def show_file(self, file: Path) -> None:
        """Show a page from its beginning, or from the first of the words looked for."""
        self.file = file
        self.document().setMarkdown(file.read_text("utf-8"), _FEATURES)
        self._wrap_commands()
        # Where the cursor is, the page is shown: at its end otherwise.
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.look_for(self._words)

    def look_for(self, words: str) -> None:
        """Mark these words wherever they stand, side by side if they do, and show the first."""
        self._words = words
        is_together = not self.document().find(words).isNull()
        parts = [words] if is_together else [one for one in words.split() if len(one) > 1]
        self._sought = QRegularExpression(
            "|".join(QRegularExpression.escape(one) for one in parts),
            QRegularExpression.PatternOption.CaseInsensitiveOption,
        )
        marks = []
        hit = QTextCursor(self.document())
        while parts and not (hit := self.document().find(self._sought, hit)).isNull():
            mark = QTextEdit.ExtraSelection()
            mark.cursor = hit
            mark.format.setBackground(_MARK)
            marks.append(mark)
        self.setExtraSelections(marks)
        # What was looked for before is no longer selected
        place = self.textCursor()
        place.clearSelection()
        self.setTextCursor(place)
        if marks:
            self.moveCursor(QTextCursor.MoveOperation.Start)
            self.go_on()

    def go_on(self) -> None:
        """Show the next of the words looked for; after the last one the first."""
        self._go(QTextCursor.MoveOperation.Start, QTextDocument.FindFlag(0))

    def go_back(self) -> None:
        """Show the one before; before the first one the last."""
        self._go(QTextCursor.MoveOperation.End, QTextDocument.FindFlag.FindBackward)

    def _go(self, otherwise_from: QTextCursor.MoveOperation, way: QTextDocument.FindFlag) -> None:
        if not self._sought.pattern():
            return
        if not self.find(self._sought, way):
            self.moveCursor(otherwise_from)
            self.find(self._sought, way)
        # With some of what stands before it
        bar, below = self.verticalScrollBar(), self.viewport().height() // 3
        bar.setValue(bar.value() + self.cursorRect().top() - below)

    def changeEvent(self, event: QEvent) -> None:
        """Read the page anew in another theme: its links keep the colour they were read in."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self.file.is_file():
            before = self.verticalScrollBar().value()
            self.show_file(self.file)
            self.verticalScrollBar().setValue(before)

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


def _words_of(file: Path) -> str:
    """Return what a page says, without its marks, in small letters."""
    document = QTextDocument()
    document.setMarkdown(file.read_text("utf-8"), _FEATURES)
    return document.toPlainText().lower()
