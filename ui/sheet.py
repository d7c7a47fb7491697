"""An A4 sheet in tenths of a millimetre, and what every page of a report is drawn with."""

from collections.abc import Sequence as Many
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPalette,
    QPen,
    QTextDocument,
    QTextLayout,
    QTextOption,
)

from ui import report_html

if TYPE_CHECKING:
    from desktop_app.services.export.key_images import KeyImage

UNITS_PER_MM = 10
SHEET_WIDTH, SHEET_HEIGHT = 210 * UNITS_PER_MM, 297 * UNITS_PER_MM
MARGIN = 130
WIDTH = SHEET_WIDTH - 2 * MARGIN
GAP = 30

_IMAGE_GAP = 20
_CAPTION = 40
_CAPTION_SIZE, _SMALLEST_CAPTION = 24, 17
_SMALLEST_IMAGE = 400
_SCALE_BAR_MM = 50

_INK = QColor(24, 28, 33)
_GREY = QColor(90, 98, 106)
_RULE = QColor(205, 210, 216)
_BAND = QColor(255, 243, 209)
_BAND_EDGE = QColor(176, 112, 0)

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TOP = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
_BOTTOM = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom


class Sheet:
    """Draws the parts that pages have in common.

    Parameters
    ----------
    painter
        One unit is a tenth of a millimetre; (0, 0) is the corner of the paper.
    family
        Font family; characters it lacks come from other fonts of the computer.
    """

    def __init__(self, painter: QPainter, family: str) -> None:
        self._painter = painter
        self._family = family
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)

    def head(self, title: str, created: str, disclaimer: str) -> float:
        """Draw what the page is, and what it is not; returns where that ends."""
        line = QRectF(MARGIN, MARGIN, WIDTH, 80)
        self._write(line, _LEFT, title, 62, weight=QFont.Weight.DemiBold)
        self._write(line, _RIGHT, f"Gliascope report, {created}", 28, colour=_GREY)
        band = QRectF(MARGIN, line.bottom() + 12, WIDTH, 68)
        self._painter.fillRect(band, _BAND)
        edge = QRectF(band.left(), band.top(), 14, band.height())
        self._painter.fillRect(edge, _BAND_EDGE)
        inside = band.adjusted(40, 0, 0, 0)
        self._write(inside, _LEFT, disclaimer, 36, weight=QFont.Weight.Bold)
        return band.bottom() + GAP

    def finding(self, sentence: str, y: float) -> float:
        """Draw the result in one sentence; returns where it ends."""
        self._rule(y)
        line = QRectF(MARGIN, y + 14, WIDTH, 70)
        weight = QFont.Weight.DemiBold
        # Never cut short: the end of the sentence tells who has to check.
        size = next(s for s in range(46, 0, -1) if self._fits(sentence, s, WIDTH, weight))
        self._write(line, _LEFT, sentence, size, weight=weight)
        return line.bottom() + 10

    def footer(self, lines: Many[str]) -> float:
        """Draw how the numbers came about at the foot; returns where it begins."""
        text = self.text(report_html.provenance(lines))
        bottom = SHEET_HEIGHT - MARGIN - text.size().height()
        self.place(text, bottom)
        self._rule(bottom - 10)
        return bottom

    def pictures_and_warnings(
        self,
        images: "Many[Many[KeyImage]]",
        warnings: Many[str],
        kept_in: str,
        top: float,
        bottom: float,
    ) -> None:
        """Give warnings the room they need and pictures what is left.

        Parameters
        ----------
        kept_in
            The file that has the warnings for which there is no room.
        """
        rows = len(images)
        below_image = _CAPTION + _IMAGE_GAP
        room = bottom - top - rows * (_SMALLEST_IMAGE + below_image)
        text = self._fitting(warnings, kept_in, room)
        for_images = bottom - top - text.size().height() - GAP / 2
        columns = max((len(row) for row in images), default=1)
        gaps = _IMAGE_GAP * (columns - 1)
        side = min((WIDTH - gaps) / columns, for_images / max(rows, 1) - below_image)
        indent = (WIDTH - side * columns - gaps) / 2
        for row in images:
            for column, image in enumerate(row):
                x = MARGIN + indent + column * (side + _IMAGE_GAP)
                self._picture(image, QRectF(x, top, side, side))
            top += side + below_image
        self.place(text, top + GAP / 2)

    def unwritable(self, words: str) -> Many[str]:
        """Return a warning where this computer has no font for some of these characters."""
        if _has_every_glyph(words, self._font(30)):
            return ()
        return ("This computer has no font for some characters of this page.",)

    def _fitting(self, warnings: Many[str], kept_in: str, room: float) -> QTextDocument:
        """Lay out as many warnings as fit; the others are counted, not dropped in silence."""
        text = self.text(report_html.warnings(warnings))
        shown = len(warnings)
        while shown > 0 and text.size().height() > room:
            shown -= 1
            more = f"{len(warnings) - shown} more warnings in {kept_in}."
            text = self.text(report_html.warnings([*warnings[:shown], more]))
        return text

    def _picture(self, image: "KeyImage", box: QRectF) -> None:
        height, width, _ = image.rgb_yxc.shape
        pixels = image.rgb_yxc.tobytes()
        self._painter.drawImage(
            box, QImage(pixels, width, height, 3 * width, QImage.Format.Format_RGB888)
        )
        self._diameters(image, box)
        white = QColor(Qt.GlobalColor.white)
        inner = box.adjusted(12, 8, -12, -8)
        for place, letter in zip((_LEFT, _RIGHT, _TOP, _BOTTOM), image.letters, strict=True):
            for offset, colour in ((2, QColor(Qt.GlobalColor.black)), (0, white)):
                box_of_letter = inner.translated(offset, offset)
                self._write(
                    box_of_letter, place, letter, 30, weight=QFont.Weight.Bold, colour=colour
                )
        units_per_mm = box.width() / (image.pixel_mm * width)
        self._scale_bar(inner, _SCALE_BAR_MM * units_per_mm)
        below = QRectF(box.left(), box.bottom() + 2, box.width(), _CAPTION - 4)
        sizes = range(_CAPTION_SIZE, _SMALLEST_CAPTION, -1)
        fitting = (one for one in sizes if self._fits(image.caption, one, below.width()))
        size = next(fitting, _SMALLEST_CAPTION)
        self._write(below, _LEFT, image.caption, size, colour=_GREY)

    def _diameters(self, image: "KeyImage", box: QRectF) -> None:
        # A dark line below keeps the light one visible on bright tissue.
        for colour, width in ((Qt.GlobalColor.black, 7), (Qt.GlobalColor.white, 3)):
            self._painter.setPen(QPen(QColor(colour), width))
            for line in image.lines:
                start, end = (
                    QPointF(box.left() + x * box.width(), box.top() + y * box.height())
                    for x, y in line
                )
                self._painter.drawLine(start, end)

    def _scale_bar(self, inner: QRectF, length: float) -> None:
        white = QColor(Qt.GlobalColor.white)
        self._painter.setPen(QPen(white, 4))
        end = QPointF(inner.right(), inner.bottom() - 10)
        start = end - QPointF(length, 0)
        self._painter.drawLine(start, end)
        for tip in (start, end):
            self._painter.drawLine(tip - QPointF(0, 8), tip + QPointF(0, 8))
        above = QRectF(start.x(), end.y() - 42, length, 32)
        self._write(above, _BOTTOM, f"{_SCALE_BAR_MM // 10} cm", 23, colour=white)

    def _write(
        self,
        box: QRectF,
        place: Qt.AlignmentFlag,
        words: str,
        size: int,
        *,
        weight: QFont.Weight = QFont.Weight.Normal,
        colour: QColor = _INK,
    ) -> None:
        font = self._font(size, weight)
        self._painter.setFont(font)
        self._painter.setPen(colour)
        elided = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, box.width())
        self._painter.drawText(box, place, elided)

    def _fits(
        self, words: str, size: int, width: float, weight: QFont.Weight = QFont.Weight.Normal
    ) -> bool:
        return QFontMetricsF(self._font(size, weight)).horizontalAdvance(words) <= width

    def _rule(self, y: float) -> None:
        self._painter.setPen(QPen(_RULE, 2))
        self._painter.drawLine(QPointF(MARGIN, y), QPointF(MARGIN + WIDTH, y))

    def _font(self, size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        font = QFont(self._family)
        font.setPixelSize(size)
        font.setWeight(weight)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return font

    def text(self, html: str, width: float = WIDTH) -> QTextDocument:
        """Lay out what `report_html` makes."""
        text = QTextDocument()
        text.setUseDesignMetrics(True)
        text.setDocumentMargin(0)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        text.setDefaultTextOption(option)
        text.setDefaultFont(self._font(30))
        text.setDefaultStyleSheet(report_html.STYLE)
        text.setHtml(html)
        text.setTextWidth(width)
        return text

    def place(self, text: QTextDocument, y: float, x: float = 0.0) -> float:
        """Draw a text; returns where it ends."""
        self._painter.save()
        self._painter.translate(MARGIN + x, y)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, _INK)
        text.documentLayout().draw(self._painter, context)
        self._painter.restore()
        return y + text.size().height()


def _has_every_glyph(words: str, font: QFont) -> bool:
    """Whether some font of this computer has each of the characters."""
    layout = QTextLayout(words, font)
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    return not any(0 in run.glyphIndexes() for run in layout.glyphRuns())
