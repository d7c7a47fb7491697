"""The report's tables and lists as the subset of HTML that Qt lays out."""

from collections.abc import Iterable
from collections.abc import Sequence as Many
from html import escape

from desktop_app.domain.change_marks import Hatch
from desktop_app.domain.segmentation import REGION_TITLES
from desktop_app.services.export.report import ReportPage, SequenceRow, VolumeRow
from desktop_app.services.follow_up.page import FollowUpPage
from desktop_app.services.follow_up.table import REGIONS, TableRow

# Lengths are in the sheet's unit, tenths of a millimetre.
STYLE = """
    td, th { padding: 5px 14px 5px 0px; vertical-align: middle; }
    th { color: #5a626a; font-size: 24px; font-weight: normal; text-align: left; }
    td.label { color: #5a626a; font-size: 24px; padding-bottom: 0px; }
    td.value { font-size: 32px; padding-top: 0px; }
    td.series { font-size: 26px; }
    td.strong { font-weight: 600; }
    .note { color: #5a626a; font-size: 24px; }
    td.missing { font-size: 26px; color: #9a3412; }
    p { margin: 0px 0px 4px 0px; font-size: 26px; }
    p.below { font-size: 24px; margin-top: 6px; margin-bottom: 0px; }
    p.foot { color: #5a626a; font-size: 24px; }
"""
_IDENTITY_COLUMNS = 3
_CHANGE_TITLE = 20
_LINES = {
    Hatch.RISING: "rising lines",
    Hatch.FALLING: "falling lines",
    Hatch.CROSSED: "crossed lines",
    Hatch.NONE: "outline",
}
_MAX_SERIES_LENGTH = 80


def identity(cells: Many[tuple[str, str]]) -> str:
    """Return patient and study: labels over their values, a few beside each other."""
    rows = []
    for start in range(0, len(cells), _IDENTITY_COLUMNS):
        some = cells[start : start + _IDENTITY_COLUMNS]
        rows.append("".join(f"<td class='label'>{escape(label)}</td>" for label, _ in some))
        rows.append("".join(f"<td class='value'>{escape(value)}</td>" for _, value in some))
    return _table(f"<tr>{row}</tr>" for row in rows)


def volumes(page: ReportPage) -> str:
    """Return the table of volumes, a chip in the colour of each outlined region."""
    ranges = bool(page.range_title)
    widths = (7, 43, 19, 16, 15) if ranges else (7, 49, 24, 0, 20)
    head = f"<tr><th width='{widths[0]}%'></th><th width='{widths[1]}%'>Region</th>"
    head += f"<th width='{widths[2]}%' align='right'>Volume, cm³</th>"
    if ranges:
        head += f"<th width='{widths[3]}%' align='right'>{escape(page.range_title)}</th>"
    head += f"<th width='{widths[4]}%' align='right'>Voxels</th></tr>"
    return _table([head, *(_volume_row(row, ranges=ranges) for row in page.volumes)])


def measures(page: ReportPage) -> str:
    """Return where the tumour lies, its diameters and its lesions, a line each."""
    lines = (page.place, *page.diameters, *page.lesions)
    return "".join(f"<p class='below'>{escape(line)}</p>" for line in lines if line)


def sequences(page: ReportPage) -> str:
    """Return the table of the four sequences and how sure their choice was."""
    head = "<tr><th width='19%'>Sequence</th><th width='59%'>Series used</th>"
    head += "<th width='22%'>Chosen</th></tr>"
    return _table([head, *(_sequence_row(row) for row in page.sequences)])


def warnings(sentences: Iterable[str]) -> str:
    """Return a list of warnings; nothing where there is none."""
    return "".join(f"<p><b>Note</b>&nbsp; {escape(sentence)}</p>" for sentence in sentences)


def provenance(lines: Iterable[str]) -> str:
    """Return how the numbers came about."""
    return "".join(f"<p class='foot'>{escape(line)}</p>" for line in lines)


def changes(page: FollowUpPage) -> str:
    """Return the table of a comparison, and what the colours of its maps mean."""
    share = (100 - _CHANGE_TITLE) // len(REGIONS)
    head = f"<tr><th width='{_CHANGE_TITLE}%'></th>"
    head += "".join(
        f"<th width='{share}%' align='right'>{escape(REGION_TITLES[one])} ({one.value})</th>"
        for one in REGIONS
    )
    legend = "&nbsp;&nbsp; ".join(
        f"{_chip(one.rgb)}&nbsp;{escape(one.title)} ({_LINES[one.hatch]})" for one in page.legend
    )
    below = f"<p class='below'>Map of change: &nbsp;{legend}</p>" if legend else ""
    return _table([f"{head}</tr>", *(_change_row(row) for row in page.rows)]) + below


def _shortened(words: str) -> str:
    return words if len(words) <= _MAX_SERIES_LENGTH else f"{words[: _MAX_SERIES_LENGTH - 1]}…"


def _table(rows: Iterable[str]) -> str:
    return f"<table width='100%' cellspacing='0' cellpadding='0'>{''.join(rows)}</table>"


def _volume_row(row: VolumeRow, *, ranges: bool) -> str:
    chip = ""
    if row.rgb is not None:
        chip = _chip(row.rgb)
    between = f"<td class='note' align='right'>{escape(row.range_cm3)}</td>" if ranges else ""
    voxels = "" if row.voxels is None else _grouped(row.voxels)
    note = f"&nbsp; <span class='note'>{escape(row.note)}</span>" if row.note else ""
    style = "strong" if row.is_sure else "note"
    return (
        f"<tr><td>{chip}</td>"
        f"<td>{escape(row.title)} ({row.region.value}){note}</td>"
        f"<td class='{style}' align='right'>{escape(row.volume_cm3)}</td>"
        f"{between}<td class='note' align='right'>{voxels}</td></tr>"
    )


def _change_row(row: TableRow) -> str:
    style = "strong" if row.is_main else "note"
    cells = "".join(f"<td class='{style}' align='right'>{escape(one)}</td>" for one in row.cells)
    title = "series" if row.is_main else "note"
    return f"<tr><td class='{title}'>{escape(row.title)}</td>{cells}</tr>"


def _chip(rgb: tuple[int, int, int]) -> str:
    colour = "#{:02x}{:02x}{:02x}".format(*rgb)
    return f"<span style='background-color:{colour}'>&nbsp;&nbsp;&nbsp;&nbsp;</span>"


def _grouped(number: int) -> str:
    """Group digits by threes with thin spaces, as ISO 80000-1 7.3.1 does."""
    return f"{number:,}".replace(",", "\N{THIN SPACE}")


def _sequence_row(row: SequenceRow) -> str:
    style = "series" if row.present else "missing"
    return (
        f"<tr><td>{escape(row.name)}</td>"
        f"<td class='{style}'>{escape(_shortened(row.series))}</td>"
        f"<td class='note'>{escape(row.confidence)}</td></tr>"
    )
