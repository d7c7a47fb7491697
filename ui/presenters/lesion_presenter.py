"""Lists the enhancing lesions, and adds up those that the reader ticks as targets."""

import math

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.readable import (
    readable_diameters,
    readable_position,
    readable_volume,
)
from desktop_app.services.measuring.diameters import CRITERIA
from desktop_app.services.measuring.lesions import MOST_TARGETS, sum_of_products_mm2
from desktop_app.services.session import Session
from desktop_app.services.session_changes import Change, ResultChanged
from ui.views.lesion_view import LesionListing, LesionRow, LesionView


class LesionPresenter:
    """Keeps what is ticked; nothing is ticked until the reader does.

    RANO leaves the choice of target lesions to a reader, who sees what no mask tells: margins,
    cysts and cavities, and what was treated.
    """

    def __init__(self, view: LesionView, session: Session) -> None:
        self._view = view
        self._session = session
        self._is_new = True
        self._lesions: tuple[Lesion, ...] = ()
        self._targets: tuple[Lesion, ...] = ()
        session.subscribe(self._on_change)

    @property
    def targets(self) -> tuple[Lesion, ...]:
        """What is ticked, the largest first."""
        return self._targets

    def show(self, lesions: tuple[Lesion, ...] | None) -> None:
        """List lesions; ticks stay where the lesion is still the same one.

        ``None``: the labels have changed, and the lesions are being measured anew.
        """
        if lesions is None:
            self._view.show_lesions(None)
            return
        if self._is_new:
            chosen = self._session.targets
            self._targets = tuple(one for one in lesions if one.number in chosen)
        else:
            self._targets = _still_there(self._targets, lesions)
        self._lesions, self._is_new = lesions, False
        self._keep()

    def choose(self, number: int, chosen: bool) -> None:
        """Tick a lesion as target, or take the tick away."""
        others = tuple(one for one in self._targets if one.number != number)
        new = (one for one in self._lesions if one.number == number and one.may_be_target)
        if not chosen:
            self._targets = others
        elif len(others) < MOST_TARGETS:
            self._targets = tuple(sorted((*others, *new), key=lambda one: one.number))
        self._keep()

    def _on_change(self, change: Change) -> None:
        if isinstance(change, ResultChanged):
            # What an earlier reader chose for it is ticked once the lesions are measured.
            self._lesions = self._targets = ()
            self._is_new = True
            self._show()

    def _keep(self) -> None:
        self._session.choose_targets(tuple(one.number for one in self._targets))
        self._show()

    def _show(self) -> None:
        is_full = len(self._targets) >= MOST_TARGETS
        rows = tuple(
            _row(one, is_target=one in self._targets, is_full=is_full) for one in self._lesions
        )
        self._view.show_lesions(LesionListing(rows, self._summary()))

    def _summary(self) -> str:
        if self._targets:
            count = len(self._targets)
            of = "1 target lesion" if count == 1 else f"{count} target lesions"
            total_mm2 = sum_of_products_mm2(self._targets)
            return f"Sum of products of {of}: {total_mm2:.0f} mm² ({CRITERIA}, your choice)."
        if any(one.may_be_target for one in self._lesions):
            return (
                f"Tick up to {MOST_TARGETS} target lesions to add up their products ({CRITERIA})."
            )
        return f"None of them is measurable after {CRITERIA}."


def _row(one: Lesion, *, is_target: bool, is_full: bool) -> LesionRow:
    found = one.diameters
    lengths = readable_diameters(found.long_mm, found.short_mm, found.least_mm)
    where = readable_position(found.plane, found.position_mm)
    if found.is_measurable:
        worth = "✓"
        note = f"Both diameters reach {found.least_mm:.3g} mm, in two slices or more."
        if is_full and not is_target:
            note += f" {CRITERIA} adds up {MOST_TARGETS} target lesions at most."
    elif found.in_several_slices:
        worth = "too small"
        note = f"Not measurable after {CRITERIA}: one is shorter than {found.least_mm:.3g} mm."
    else:
        worth = "one slice"
        note = f"Not measurable after {CRITERIA}: in one slice only."
    return LesionRow(
        number=one.number,
        volume_text=readable_volume(one.volume_mm3),
        text=f"{lengths}, {found.plane.value} slice {found.grid_plane}",
        worth=worth,
        note=f"Product {found.product_mm2:.0f} mm², {where}. {note}",
        middle=found.middle,
        is_target=is_target,
        can_be_chosen=is_target or (one.may_be_target and not is_full),
    )


def _still_there(targets: tuple[Lesion, ...], lesions: tuple[Lesion, ...]) -> tuple[Lesion, ...]:
    """Return the lesions that those ticked before have become; each is taken once."""
    kept: list[Lesion] = []
    for target in targets:
        near = [
            (math.dist(one.diameters.middle, target.diameters.middle), one.number, one)
            for one in lesions
            if one.may_be_target and one not in kept
        ]
        distance_mm, _, nearest = min(near, default=(math.inf, 0, target))
        if distance_mm <= target.diameters.short_mm / 2:
            kept.append(nearest)
    return tuple(sorted(kept, key=lambda one: one.number))
