"""The numbers of a study as a table, a row per region."""

from typing import Any

from desktop_app.domain.place import SIDE_NOT_TOLD
from desktop_app.domain.segmentation import REGION_TITLES, Region
from desktop_app.services.measuring.measure import MM3_PER_CM3

_DIAMETER_COLUMNS = {
    "long_diameter_mm": "long_mm",
    "short_diameter_mm": "short_mm",
    "diameter_product_mm2": "product_mm2",
    "measurable": "measurable",
    "diameter_plane": "plane",
    "diameter_position": "position",
    "diameter_grid_plane": "grid_plane",
}

_PLACE_COLUMNS = tuple(
    f"{of}_{axis}_mm" for of in ("centre", "box_low", "box_high") for axis in "lps"
)

_IMAGE_COLUMNS = {
    "diameter_instance_number": "instance_number",
    "diameter_frame": "frame",
    "diameter_sop_instance_uid": "sop_instance_uid",
}


def measurement_rows(document: dict[str, Any]) -> list[dict[str, str | int | float]]:
    """Lay a measurements document out as one row per region, for a table.

    Parameters
    ----------
    document
        As `measurement_document.measurements_document` returns it.
    """
    provenance, study = document["provenance"], document["study"]
    return [
        {
            "region": region.value,
            "title": REGION_TITLES[region],
            **_volume_columns(document["regions"][region.value]),
            **{name: study[name] for name in ("study_uid", "patient_id", "study_date")},
            "reference": document["geometry"]["reference"],
            "model_id": provenance["model_id"],
            "weights_sha256": provenance["weights_sha256"],
            "app_version": provenance["app_version"],
            "edited": str(provenance["edited"]).lower(),
            **_range_columns(document, region),
            **_diameter_columns(document, region),
            "pseudonym": study["pseudonym"],
            "pseudonym_study": study["pseudonym_study"],
            "created": provenance["created"],
            **_place_columns(document["regions"][region.value]),
            "lesions": _lesions(document) if region is Region.ET else "",
            "parts": document["parts"] if region is Region.WT else "",
            **_target_columns(document if region is Region.ET else {}),
        }
        for region in Region
    ]


def _volume_columns(stored: dict[str, Any]) -> dict[str, str | float]:
    volume_mm3 = stored["volume_mm3"]
    return {
        "volume_cm3": "" if volume_mm3 is None else round(volume_mm3 / MM3_PER_CM3, 3),
        "volume_mm3": _cell(volume_mm3),
        "voxels": _cell(stored["voxels"]),
    }


def _lesions(document: dict[str, Any]) -> str | int:
    """Return how many enhancing lesions are listed; empty where nobody can know."""
    is_known = document["regions"][Region.ET.value]["volume_mm3"] is not None
    return len(document["lesions"]) if is_known else ""


def _target_columns(document: dict[str, Any]) -> dict[str, str | float]:
    chosen = document.get("target_lesions")
    if chosen is None:
        return {"target_lesions": "", "target_sum_of_products_mm2": ""}
    numbers = " ".join(map(str, chosen["numbers"]))
    return {
        "target_lesions": numbers,
        "target_sum_of_products_mm2": chosen["sum_of_products_mm2"],
    }


def _place_columns(stored: dict[str, Any]) -> dict[str, str | float]:
    if stored["centre_lps_mm"] is None:
        return dict.fromkeys((*_PLACE_COLUMNS, "side", "right_share"), "")
    points = (stored["centre_lps_mm"], *stored["box_lps_mm"])
    numbers = [mm for point in points for mm in point]
    return {
        **dict(zip(_PLACE_COLUMNS, numbers, strict=True)),
        "side": stored["side"] or SIDE_NOT_TOLD,
        "right_share": _cell(stored["right_share"]),
    }


def _range_columns(document: dict[str, Any], region: Region) -> dict[str, str | float]:
    found = document["regions"][region.value]["volume_range_mm3"]
    if found is None:
        return {"volume_low_cm3": "", "volume_high_cm3": "", "range_coverage": ""}
    low, high = (round(mm3 / MM3_PER_CM3, 3) for mm3 in found)
    coverage = document["uncertainty"]["coverage"]
    return {"volume_low_cm3": low, "volume_high_cm3": high, "range_coverage": coverage}


def _diameter_columns(document: dict[str, Any], region: Region) -> dict[str, str | float]:
    found = document["diameters"]["regions"].get(region.value)
    if found is None:
        return dict.fromkeys((*_DIAMETER_COLUMNS, *_IMAGE_COLUMNS), "")
    image = found["image"] or {}
    return {column: _cell(found[key]) for column, key in _DIAMETER_COLUMNS.items()} | {
        column: _cell(image.get(key)) for column, key in _IMAGE_COLUMNS.items()
    }


def _cell(value: bool | str | float | None) -> str | float:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value
