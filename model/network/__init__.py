"""Slim UNETR++ and its parts."""

from model.network.slim_unetrpp import BOUNDARY, SlimUNETRpp, SlimUNETRppConfig

__all__ = ["BOUNDARY", "SlimUNETRpp", "SlimUNETRppConfig"]
