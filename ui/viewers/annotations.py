"""What is written over a slice: side letters, texts, scale bar, crosshair, focus."""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from ui.viewers import style

_BAR_LENGTHS_MM = (100, 50, 20, 10, 5, 2, 1)
_CROSSHAIR_GAP = 7.0
_SMALL_VIEW = 190
_RULER_MARK = 5.0
_HALO_OFFSETS = tuple(QPointF(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y)


def _font(painter: QPainter, pixels: int, *, bold: bool = False) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font


def draw_text(painter: QPainter, baseline: QPointF, text: str, colour: QColor) -> None:
    """Write text that reads on white and on black."""
    painter.setPen(style.HALO)
    for offset in _HALO_OFFSETS:  # several times cheaper than stroking the outline
        painter.drawText(baseline + offset, text)
    painter.setPen(colour)
    painter.drawText(baseline, text)


def draw_brush(painter: QPainter, at: QPointF, radius_pixels: float, colour: QColor) -> None:
    """Draw the edge of a round brush, seen on dark and on bright."""
    radius = max(radius_pixels, 1.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(style.HALO, 3.0), QPen(colour, 1.5)):
        painter.setPen(pen)
        painter.drawEllipse(at, radius, radius)


def draw_outline(painter: QPainter, points: Sequence[QPointF], colour: QColor) -> None:
    """Draw the outline that is being drawn, and dashed how it will close."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(style.HALO, 4.0), QPen(colour, 2.0)):
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(list(points)))
    painter.setPen(QPen(colour, 1.0, Qt.PenStyle.DashLine))
    painter.drawLine(points[-1], points[0])


def draw_diameters(painter: QPainter, ends: Sequence[QPointF]) -> None:
    """Draw thin lines between every two points, seen on dark and on bright."""
    lines = [QLineF(start, end) for start, end in zip(ends[::2], ends[1::2], strict=True)]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pen in (QPen(style.HALO, 3.0), QPen(style.TEXT, 1.2)):
        painter.setPen(pen)
        painter.drawLines(lines)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def draw_ruler(
    painter: QPainter, start: QPointF, end: QPointF, text: str, *, is_chosen: bool
) -> None:
    """Draw a line with marks at its ends, and its length beside the end farther to the right."""
    line = QLineF(start, end)
    across = line.normalVector()
    across.setLength(_RULER_MARK)
    half = QPointF(across.dx(), across.dy())
    lines = [line, *(QLineF(at - half, at + half) for at in (start, end))]
    colour = style.LETTER if is_chosen else style.RULER
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(style.HALO, 3.5), QPen(colour, 1.6)):
        painter.setPen(pen)
        painter.drawLines(lines)
        if is_chosen:
            for at in (start, end):
                painter.drawEllipse(at, _RULER_MARK, _RULER_MARK)
    painter.setFont(_font(painter, style.TEXT_PIXELS + 1, bold=True))
    at = start if start.x() > end.x() else end
    draw_text(painter, at + QPointF(_RULER_MARK + 4, -_RULER_MARK), text, colour)


def draw_side_letters(painter: QPainter, area: QRectF, letters: tuple[str, str, str, str]) -> None:
    """Write the letters of the left, top, right and bottom side in the middle of each edge."""
    painter.setFont(_font(painter, style.LETTER_PIXELS, bold=True))
    metrics = painter.fontMetrics()
    middle, ascent = area.center(), metrics.ascent()
    left, top, right, bottom = letters
    edge = style.MARGIN
    half_height = (ascent - metrics.descent()) / 2
    for text, x, y in (
        (left, area.left() + edge, middle.y() + half_height),
        (right, area.right() - edge - metrics.horizontalAdvance(right), middle.y() + half_height),
        (top, middle.x() - metrics.horizontalAdvance(top) / 2, area.top() + edge + ascent - 3),
        (bottom, middle.x() - metrics.horizontalAdvance(bottom) / 2, area.bottom() - edge),
    ):
        draw_text(painter, QPointF(x, y), text, style.LETTER)


def draw_corner_texts(
    painter: QPainter,
    area: QRectF,
    *,
    top_left: Sequence[str],
    bottom_left: Sequence[str],
    bottom_right: Sequence[str],
) -> None:
    """Write lines into three corners; the first line is bright, further ones are dim.

    Small views keep the first line only. At the top are names, whose ends tell them apart: too long
    ones lose their middle, other lines their end.
    """
    painter.setFont(_font(painter, style.TEXT_PIXELS))
    metrics = painter.fontMetrics()
    most = 1 if min(area.width(), area.height()) < _SMALL_VIEW else 4
    line = float(metrics.height())
    width = int(area.width() * 0.42)

    def write(
        lines: Sequence[str],
        first_baseline: float,
        *,
        to_right: bool = False,
        without: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        for row, text in enumerate(lines):
            short = metrics.elidedText(text, without, width)
            x = area.left() + style.MARGIN
            if to_right:
                x = area.right() - style.MARGIN - metrics.horizontalAdvance(short)
            colour = style.DIM_TEXT if row else style.TEXT
            draw_text(painter, QPointF(x, first_baseline + row * line), short, colour)

    highest = area.top() + style.MARGIN + metrics.ascent() - 2
    write(top_left[:most], highest, without=Qt.TextElideMode.ElideMiddle)
    for lines, to_right in ((bottom_left[:most], False), (bottom_right[:most], True)):
        lowest = area.bottom() - style.MARGIN
        write(lines, lowest - (len(lines) - 1) * line, to_right=to_right)


def scale_bar_mm(pixels_per_mm: float, most_pixels: float) -> int:
    """Return the longest round length that fits, at least 1 mm."""
    fitting = (length for length in _BAR_LENGTHS_MM if length * pixels_per_mm <= most_pixels)
    return next(fitting, _BAR_LENGTHS_MM[-1])


def draw_scale_bar(
    painter: QPainter, area: QRectF, pixels_per_mm: float, lines_below: int = 1
) -> None:
    """Draw a bar of a round length above the bottom right corner's lines of text."""
    length_mm = scale_bar_mm(pixels_per_mm, area.width() * 0.22)
    length = length_mm * pixels_per_mm
    painter.setFont(_font(painter, style.TEXT_PIXELS))
    metrics = painter.fontMetrics()
    y = area.bottom() - style.MARGIN - lines_below * metrics.height() - 6
    right = area.right() - style.MARGIN
    left = right - length
    bar = [
        QLineF(left, y, right, y),
        QLineF(left, y - 4, left, y + 2),
        QLineF(right, y - 4, right, y + 2),
    ]
    for colour, width in ((style.HALO, 3.5), (style.TEXT, 1.5)):
        painter.setPen(QPen(colour, width))
        painter.drawLines(bar)
    text = f"{length_mm // 10} cm" if length_mm >= 10 else f"{length_mm} mm"
    start = right - metrics.horizontalAdvance(text)
    draw_text(painter, QPointF(start, y - 7), text, style.TEXT)


def draw_crosshair(painter: QPainter, area: QRectF, at: QPointF) -> None:
    """Draw two lines with a gap that leaves the point itself to see."""
    gap = _CROSSHAIR_GAP
    # Whole pixels of the screen: else the line is thicker here than there
    ratio = painter.device().devicePixelRatio()
    painter.setPen(QPen(style.CROSSHAIR, max(1, round(ratio)) / ratio))
    x, y = at.x(), at.y()
    lines = [
        QLineF(area.left(), y, x - gap, y),
        QLineF(x + gap, y, area.right(), y),
        QLineF(x, area.top(), x, y - gap),
        QLineF(x, y + gap, x, area.bottom()),
    ]
    painter.drawLines(lines)


def draw_frame(painter: QPainter, area: QRectF, *, focused: bool) -> None:
    """Draw the border; a view with the keyboard's focus has a bright one."""
    width = 2 if focused else 1
    painter.setPen(QPen(style.FOCUS if focused else style.FRAME, width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inset = width / 2
    painter.drawRect(area.adjusted(inset, inset, -inset, -inset))


def draw_heading(painter: QPainter, area: QRectF, text: str, further: Sequence[str]) -> None:
    """Write what must not be mixed up large into the top left corner, further lines below it.

    It leaves the letter in the middle of the edge to see, and grows smaller for that.
    """
    left, room = area.left() + style.MARGIN, area.width() / 2 - style.LETTER_PIXELS - style.MARGIN
    sizes = range(style.HEADING_PIXELS, style.TEXT_PIXELS, -1)
    fonts = [_font(painter, size, bold=True) for size in sizes]
    fitting = (one for one in fonts if QFontMetricsF(one).horizontalAdvance(text) <= room)
    painter.setFont(next(fitting, fonts[-1]))
    baseline = area.top() + style.MARGIN + painter.fontMetrics().ascent() - 4
    draw_text(painter, QPointF(left, baseline), text, style.TEXT)
    if min(area.width(), area.height()) < _SMALL_VIEW:
        return
    painter.setFont(_font(painter, style.TEXT_PIXELS))
    metrics = painter.fontMetrics()
    for row, line in enumerate(further, start=1):
        short = metrics.elidedText(line, Qt.TextElideMode.ElideRight, int(room))
        below = QPointF(left, baseline + 3 + row * metrics.height())
        draw_text(painter, below, short, style.DIM_TEXT)


def draw_headline(painter: QPainter, area: QRectF, text: str) -> None:
    """Write a few words over a picture, where they are read before the picture is."""
    painter.setFont(_font(painter, style.LETTER_PIXELS + 3, bold=True))
    metrics = painter.fontMetrics()
    x = area.center().x() - metrics.horizontalAdvance(text) / 2
    draw_text(painter, QPointF(x, area.center().y()), text, style.LETTER)


def draw_message(painter: QPainter, area: QRectF, text: str) -> None:
    """Write a sentence into the middle of an empty view."""
    painter.setFont(_font(painter, style.TEXT_PIXELS + 1))
    painter.setPen(style.DIM_TEXT)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(area.adjusted(24, 24, -24, -24), flags, text)
