"""The menu bar."""

import sys
from collections.abc import Sequence as Many
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent
from PySide6.QtGui import QAction, QActionGroup, QHelpEvent, QKeySequence
from PySide6.QtWidgets import QMenu

from desktop_app.paths import manual_dir
from ui.manual import manual_pages
from ui.panels.study_page import SEGMENT_KEY
from ui.theme import ThemeName
from ui.views.correction_view import CorrectionState
from ui.views.study_view import Actions

if TYPE_CHECKING:
    from ui.main_window import MainWindow

_THEME_TITLES = {
    ThemeName.SYSTEM: "As the desktop",
    ThemeName.LIGHT: "Light",
    ThemeName.DARK: "Dark",
}
_GRAPHICS = ("mps", "Apple GPU") if sys.platform == "darwin" else ("cuda", "Graphics card (CUDA)")
_DEVICE_TITLES = dict((("auto", "Automatic: the best that works"), _GRAPHICS, ("cpu", "Processor")))


_LONGEST_PATH = 70


class _Menu(QMenu):
    """Shows what is said of its items; of one with nothing to say, no tip repeats its title."""

    def event(self, event: QEvent) -> bool:
        """Leave out the tips that Qt makes of titles."""
        if isinstance(event, QHelpEvent):
            under = [
                one for one in self.actions() if self.actionGeometry(one).contains(event.pos())
            ]
            if all(one.toolTip() == QAction(one.text()).toolTip() for one in under):
                return True
        return super().event(event)


class Menus:
    """Makes the menus of the window and keeps the actions that change."""

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self.themes: dict[ThemeName, QAction] = {}
        self.devices: dict[str, QAction] = {}
        bar = window.menuBar()
        file = self._add_menu("&File")
        self._add(file, "&Open study folder …", "Ctrl+O").triggered.connect(window.ask_folder)
        self._add(file, "Open &file (ZIP, DICOMDIR, NIfTI) …").triggered.connect(window.ask_file)
        self._add(file, "Open the &sample study").triggered.connect(window.sample_requested)
        self.recent = file.addMenu("Open r&ecent")
        self.recent.setToolTipsVisible(True)
        self.show_recent(())
        self.reopen = self._add(file, "Open an earlier &result …")
        self.reopen.triggered.connect(window.ask_result)
        self.open_labels = self._add(file, "Open &labels …")
        self.open_labels.setToolTip("Of another program: NIfTI or DICOM SEG")
        self.open_labels.triggered.connect(window.ask_labels_file)
        file.addSeparator()
        self._add(file, "&Batch of studies …", "Ctrl+B").triggered.connect(window.show_batch_page)
        file.addSeparator()
        self.export = self._add(file, "&Export …", "Ctrl+E")
        self.export.triggered.connect(window.export_asked)
        self.save_picture = self._add(file, "Save &picture …")
        file.addSeparator()
        leave = self._add(file, "&Quit")
        leave.setShortcut(QKeySequence(QKeySequence.StandardKey.Quit))
        leave.setMenuRole(QAction.MenuRole.QuitRole)
        leave.triggered.connect(window.close)
        self._add_corrections(bar.addMenu("&Edit"))
        self._add_themes(bar.addMenu("&View"))
        self._add_tools(self._add_menu("&Tools"))
        self.models = bar.addMenu("&Model")
        self.models.setToolTipsVisible(True)
        self._model_group = QActionGroup(window)
        self.help = bar.addMenu("&Help")
        self._add(self.help, "&Keyboard and mouse", "F1").triggered.connect(window.show_shortcuts)
        self.help.addSeparator()
        self._add_manual()
        self.support = self._add(self.help, "&Save support file …")
        self.about = self._add(self.help, "&About Gliascope")
        self.about.setMenuRole(QAction.MenuRole.AboutRole)

    def show_recent(self, paths: Many[str]) -> None:
        """List the studies opened last, the latest first."""
        self.recent.clear()
        for path in paths:
            action = self.recent.addAction(_short(path).replace("&", "&&"))
            action.setToolTip(path)
            action.triggered.connect(lambda _, one=path: self._window.open_path(Path(one)))
        self.recent.addSeparator()
        clear = self.recent.addAction("&Clear this list")
        clear.triggered.connect(self._window.recent_cleared)
        self.recent.setEnabled(bool(paths))

    def show_models(self, choices: Many[tuple[str, str]], chosen: str) -> None:
        """List the networks to choose from.

        Parameters
        ----------
        choices
            Name of each and what it is.
        chosen
            Name of the one in use.
        """
        self.models.clear()
        for name, title in choices:
            action = self.models.addAction(f"{title} ({name})")
            action.setData(name)
            action.setCheckable(True)
            action.setChecked(name == chosen)
            self._model_group.addAction(action)
        self.models.addSeparator()
        hint = self.models.addAction("Install others: gliascope model install FILE")
        hint.setEnabled(False)

    def show_actions(self, actions: Actions, *, has_study: bool) -> None:
        """Enable what can be done now."""
        self.segment.setEnabled(actions.segment)
        self.export.setEnabled(actions.export)
        self.reopen.setEnabled(actions.reopen)
        self.open_labels.setEnabled(actions.reopen)
        self.compare_earlier.setEnabled(actions.reopen)
        self.over_time.setEnabled(has_study)

    def show_correction(self, state: CorrectionState) -> None:
        """Say what can be undone and redone, and whether labels are being corrected."""
        for action, verb, title in (
            (self.undo, "Undo", state.undo_title),
            (self.redo, "Redo", state.redo_title),
        ):
            action.setEnabled(bool(title))
            action.setText(f"&{verb} {title.lower()}" if title else f"&{verb}")
        self.correct.setEnabled(state.is_possible)
        self.correct.setChecked(state.is_active)

    def _add_corrections(self, menu: QMenu) -> None:
        self.undo = self._add(menu, "&Undo")
        self.undo.setShortcut(QKeySequence(QKeySequence.StandardKey.Undo))
        self.redo = self._add(menu, "&Redo")
        # Both are usual, and systems differ in which one they call standard
        self.redo.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        menu.addSeparator()
        self.copy_findings = self._add(menu, "Copy &volumes and diameters")
        self.copy_picture = self._add(menu, "Copy &picture", "Ctrl+Shift+C")
        menu.addSeparator()
        self.correct = self._add(menu, "&Correct the labels")
        self.correct.setCheckable(True)

    def _add_themes(self, menu: QMenu) -> None:
        self.four = self._add(menu, "&All sequences in one plane\tS")
        self.four.setCheckable(True)
        four = self._window.study_page.viewer_bar.four
        self.four.toggled.connect(lambda is_shown: four.setChecked(is_shown))
        four.toggled.connect(lambda is_shown: self.four.setChecked(is_shown))
        views = self._window.study_page.views
        self.linked_zoom = self._add(menu, "&Zoom the three planes together")
        self.linked_zoom.setCheckable(True)
        self.linked_zoom.setChecked(True)
        self.linked_zoom.toggled.connect(views.zoom.set_active)
        self.centre = self._add(menu, "Ce&ntre slices on the crosshair", "Shift+C")
        self.centre.triggered.connect(views.zoom.centre)
        reset = self._add(menu, "&Reset views")
        reset.triggered.connect(views.reset_views)
        menu.addSeparator()
        appearance = menu.addMenu("A&ppearance")
        group = QActionGroup(self._window)
        for name, title in _THEME_TITLES.items():
            action = self._add(appearance, title)
            action.setCheckable(True)
            group.addAction(action)
            self.themes[name] = action

    def _add_tools(self, menu: QMenu) -> None:
        # The key is the button's own
        key = QKeySequence(SEGMENT_KEY).toString(QKeySequence.SequenceFormat.NativeText)
        self.segment = self._add(menu, f"&Segment\t{key}")
        self.segment.triggered.connect(self._window.segment_now)
        menu.addSeparator()
        self.ruler = self._add(menu, "&Ruler\tD")
        self.ruler.setCheckable(True)
        self.remove_rulers = self._add(menu, "Re&move all rulers")
        menu.addSeparator()
        self._add_devices(menu.addMenu("&Device"))
        self.over_time = self._add(menu, "&Volumes over time …")
        self.over_time.setToolTip("Of this patient's exported results")
        self.compare_earlier = self._add(menu, "&Compare with earlier study …", "Ctrl+T")
        self.compare_earlier.setToolTip("Laid on the open one, with a map of what changed")
        self._add(menu, "&Forget earlier studies …").triggered.connect(self._window.forget_asked)

    def _add_manual(self) -> None:
        """List the pages, those on how the program is made apart."""
        pages = manual_pages(manual_dir())
        for is_for_readers in (True, False):
            for page in pages:
                if page.is_for_readers is is_for_readers:
                    action = self._add(self.help, page.title.replace("&", "&&"))
                    action.triggered.connect(lambda _, one=page.file: self._window.show_manual(one))
            self.help.addSeparator()

    def _add_devices(self, menu: QMenu) -> None:
        group = QActionGroup(self._window)
        for name, title in _DEVICE_TITLES.items():
            action = self._add(menu, title)
            action.setCheckable(True)
            group.addAction(action)
            self.devices[name] = action

    def _add_menu(self, title: str) -> QMenu:
        bar = self._window.menuBar()
        menu = _Menu(title, bar)
        menu.setToolTipsVisible(True)
        bar.addMenu(menu)
        return menu

    def _add(self, menu: QMenu, title: str, shortcut: str = "") -> QAction:
        action = QAction(title, self._window)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        menu.addAction(action)
        return action


def _short(path: str) -> str:
    """Return a path that fits into a menu; its end tells the studies apart."""
    return path if len(path) <= _LONGEST_PATH else f"… {path[-_LONGEST_PATH:]}"
