"""The architectures the product knows, by their names; free of torch."""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What ``kind`` in a configuration's ``[network]`` may be."""

    SLIM_UNETRPP = "slim_unetrpp"
    UNETR_PLUS_PLUS = "unetr_plus_plus"
    BRAIN_UNET = "brain_unet"
    SEGRESNET = "segresnet"


CARD_NAMES: Final[dict[Kind, str]] = {
    Kind.SLIM_UNETRPP: "SlimUNETRpp",
    Kind.UNETR_PLUS_PLUS: "UNETRpp",
    Kind.BRAIN_UNET: "BrainUNet",
    Kind.SEGRESNET: "SegResNet",
}
"""``architecture`` on a model card."""

CARD_SCHEMA: Final = "gliascope/model-card/1"
"""What a model card says that it is."""

TUMOUR_KINDS: Final = (Kind.SLIM_UNETRPP, Kind.UNETR_PLUS_PLUS)
"""Whose weights a user may train and install to segment brain tumours."""

TITLES: Final[dict[str, str]] = {
    "SlimUNETRpp": "Slim UNETR++",
    "UNETRpp": "UNETR++",
    "BrainUNet": "U-Net for the brain in a head",
}
"""What a reader calls each architecture of the product.

A peer that is trained for comparison alone is missing: its weights cannot be installed.
"""
