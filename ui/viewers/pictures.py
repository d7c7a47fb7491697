"""Pictures of a view to pass on: with the research-use line, without the patient's name."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from ui.viewers import style
from ui.viewers.slice_view import SliceView
from ui.viewers.volume_view import VolumeView

View = SliceView | VolumeView

_LINE_PIXELS = 22
_MARGIN_PIXELS = 8
_LINE_BACKGROUND = QColor(22, 25, 29)


class PictureTaker(QObject):
    """Remembers which view had the keyboard's focus last, and takes pictures of it."""

    def __init__(self, views: Iterable[View], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._last: View | None = None
        for view in views:
            view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note which view has the focus; nothing is taken from it."""
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, SliceView | VolumeView):
            self._last = watched
        return False

    def view(self, otherwise: View) -> View:
        """Return the view that had the focus last, if it is in sight; else another one."""
        last = self._last
        return last if last is not None and last.isVisible() else otherwise


def picture_of(view: View, line: str) -> QImage:
    """Return what a view shows, and a line of text burnt in below it."""
    shown = view.picture()
    ratio = shown.devicePixelRatio()
    size = QSize(shown.width(), shown.height() + round(_LINE_PIXELS * ratio))
    picture = QImage(size, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(ratio)
    picture.fill(_LINE_BACKGROUND)
    painter = QPainter(picture)
    painter.drawImage(0, 0, shown)
    width, height = size.width() / ratio, shown.height() / ratio
    font = painter.font()
    font.setPixelSize(style.TEXT_PIXELS)
    painter.setFont(font)
    room = QRectF(_MARGIN_PIXELS, height, width - 2 * _MARGIN_PIXELS, _LINE_PIXELS)
    painter.setPen(style.TEXT)
    while painter.fontMetrics().horizontalAdvance(line) > room.width() and font.pixelSize() > 1:
        font.setPixelSize(font.pixelSize() - 1)  # what has to be read is not cut off
        painter.setFont(font)
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, line)
    painter.end()
    return picture
