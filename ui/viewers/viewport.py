"""Which part of a slice a widget shows: zoom and pan, without a toolkit."""

from dataclasses import dataclass, replace

_FIT_MARGIN = 0.97
_LEAST_SCALE = 0.2
_GREATEST_SCALE = 80.0


@dataclass(frozen=True, slots=True)
class Viewport:
    """A widget of `width` × `height` logical pixels looking at the plane's u, v (millimetres).

    Parameters
    ----------
    scale
        Logical pixels per millimetre.
    centre_u_mm, centre_v_mm
        What lies in the middle of the widget.
    """

    width: float
    height: float
    scale: float
    centre_u_mm: float
    centre_v_mm: float

    @classmethod
    def fit(
        cls, width: float, height: float, bounds_mm: tuple[float, float, float, float]
    ) -> "Viewport":
        """Show all of left, top, right, bottom, with a small margin."""
        left, top, right, bottom = bounds_mm
        scale = min(width / (right - left), height / (bottom - top)) * _FIT_MARGIN
        return cls(width, height, max(scale, 1e-3), (left + right) / 2, (top + bottom) / 2)

    def to_pixel(self, u_mm: float, v_mm: float) -> tuple[float, float]:
        """Map u, v to logical pixels from the widget's top left corner."""
        return (
            self.width / 2 + (u_mm - self.centre_u_mm) * self.scale,
            self.height / 2 + (v_mm - self.centre_v_mm) * self.scale,
        )

    def to_plane_mm(self, x: float, y: float) -> tuple[float, float]:
        """Map logical pixels to u, v."""
        return (
            self.centre_u_mm + (x - self.width / 2) / self.scale,
            self.centre_v_mm + (y - self.height / 2) / self.scale,
        )

    def resized(self, width: float, height: float) -> "Viewport":
        """Keep centre and scale in a widget of another size."""
        return replace(self, width=width, height=height)

    def zoomed(self, factor: float, x: float, y: float) -> "Viewport":
        """Magnify about a pixel, which keeps showing the same place."""
        u_mm, v_mm = self.to_plane_mm(x, y)
        scale = min(max(self.scale * factor, _LEAST_SCALE), _GREATEST_SCALE)
        return replace(
            self,
            scale=scale,
            centre_u_mm=u_mm - (x - self.width / 2) / scale,
            centre_v_mm=v_mm - (y - self.height / 2) / scale,
        )

    def panned(self, dx: float, dy: float) -> "Viewport":
        """Move the picture by so many pixels."""
        return replace(
            self,
            centre_u_mm=self.centre_u_mm - dx / self.scale,
            centre_v_mm=self.centre_v_mm - dy / self.scale,
        )

    def revealing(self, u_mm: float, v_mm: float) -> "Viewport":
        """Return a viewport that shows a place: this one if it does, else centred there."""
        x, y = self.to_pixel(u_mm, v_mm)
        if 0 <= x <= self.width and 0 <= y <= self.height:
            return self
        return self.centred(u_mm, v_mm)

    def centred(self, u_mm: float, v_mm: float) -> "Viewport":
        """Show a place in the middle."""
        return replace(self, centre_u_mm=u_mm, centre_v_mm=v_mm)
