"""What of the window is remembered: how it is put back, and how it was left."""

from dataclasses import replace

from desktop_app.services.settings import Settings
from ui.export_formats import format_choices, remembered_formats
from ui.main_window import MainWindow
from ui.widgets.dialog_size import kept_sizes, restore_sizes
from ui.window_place import WindowPlace


def restore(window: MainWindow, settings: Settings) -> None:
    """Have the window as it was left."""
    page, menus, ticks = window.study_page, window.menus, window.batch_page.ticks
    place = WindowPlace.parse(settings.window_place) or WindowPlace.first(window)
    place.restore(window)
    restore_sizes(settings.dialog_sizes)
    page.regions.set_overlay(settings.overlay_percent, outline=settings.overlay_outline)
    page.correction_bar.set_brush(settings.brush_mm, is_ball=settings.brush_ball)
    window.last_result_folder = settings.result_folder or settings.export_folder
    menus.show_recent(settings.recent_studies)
    for name, action in menus.themes.items():
        action.setChecked(name.value == settings.theme)
    for device, action in menus.devices.items():
        action.setChecked(device == settings.device)
    remembered = format_choices(remembered=settings.batch_formats)
    ticked = [one.key for one in remembered if one.chosen]
    ticks.tick(ticked, anonymise=settings.batch_anonymise)
    window.batch_page.folders.remember(settings.batch_folder, settings.batch_output)
    window.batch_page.set_watches(settings.batch_watch)
    window.batch_page.table.set_widths(settings.batch_widths)


def as_left(window: MainWindow, settings: Settings) -> Settings:
    """Return the settings with what `restore` needs next time."""
    page, ticks = window.study_page, window.batch_page.ticks
    brush_mm, brush_ball = page.correction_bar.brush
    batch_folder, batch_output = window.batch_page.folders.last
    return replace(
        settings,
        open_folder=window.last_folder,
        result_folder=window.last_result_folder,
        window_place=str(WindowPlace.of(window)),
        dialog_sizes=kept_sizes(),
        overlay_percent=round(100 * page.regions.opacity),
        overlay_outline=page.regions.outline,
        brush_mm=brush_mm,
        brush_ball=brush_ball,
        batch_formats=remembered_formats(ticks.formats),
        batch_anonymise=ticks.anonymise,
        batch_folder=batch_folder,
        batch_output=batch_output,
        batch_watch=window.batch_page.watches,
        batch_widths=window.batch_page.table.widths,
    )
