"""Tumour where no tumour was near in the earlier study."""

import numpy as np

from desktop_app.domain.follow_up import FollowUp, NewPart
from desktop_app.domain.readable import readable_volume
from desktop_app.domain.segmentation import Region
from desktop_app.services.measuring.places import mid_plane, place_of

# Smaller ones are specks, as `services.lesions` counts no parts of them either.
_LEAST_MM3 = 100.0
# Registration and resampling are off by less; between two thick slices a bridge may be missed.
_LEAST_AWAY_MM = 3.0


def new_parts(found: FollowUp) -> tuple[NewPart, ...]:
    """Return the parts of the current tumour apart from all earlier tumour, the largest first.

    Parts of at least 0.1 cm³ that no earlier tumour comes nearer to than 3 mm, or than the distance
    of slices where these lie farther apart. Where the earlier study has no image nothing is called
    new. Without registration, and without any earlier tumour, there are none.
    """
    if found.earlier_on_now is None or found.seen_kji is None or found.earlier_on_now.is_empty:
        return ()
    # scipy loads slowly; a window that only starts need not wait for it.
    from desktop_app.imaging.parts_apart import parts_apart

    now = found.now.segmentation
    voxel_mm3 = now.geometry.voxel_volume_mm3
    enhancing = now.mask_kji(Region.ET)
    parts = parts_apart(
        now.mask_kji(Region.WT) & found.seen_kji,
        found.earlier_on_now.mask_kji(Region.WT),
        now.geometry.spacing_mm,
        least_voxels=_LEAST_MM3 / voxel_mm3,
        least_mm=max(
            _LEAST_AWAY_MM,
            *now.geometry.spacing_mm,
            *found.earlier_labels.geometry.spacing_mm,
        ),
    )
    plane = mid_plane(found.now.prepared) if parts else None
    return tuple(
        NewPart(
            float(np.count_nonzero(one.mask_kji)) * voxel_mm3,
            float(np.count_nonzero(one.mask_kji & enhancing)) * voxel_mm3,
            place_of(now.geometry.to_patient_mm(np.argwhere(one.mask_kji).astype(float)), plane),
            one.away_mm,
        )
        for one in parts
    )


def part_in_words(part: NewPart) -> str:
    """Describe a part in numbers alone.

    As ``0.84 cm³ (0.30 enhancing), right, R 32, P 4, S 38 mm; 24 mm away``.
    """
    enhancing = f" ({readable_volume(part.enhancing_mm3)} enhancing)" if part.enhancing_mm3 else ""
    side = "" if part.place.side is None else f"{part.place.side_in_words}, "
    return (
        f"{readable_volume(part.volume_mm3)} cm³{enhancing}, {side}{part.place.centre_in_words}; "
        f"{part.away_mm:.0f} mm away"
    )
