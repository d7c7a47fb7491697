"""Slim UNETR++ and its parts."""

from model.network.config import BOUNDARY, SlimUNETRppConfig
from model.network.slim_unetrpp import SlimUNETRpp

__all__ = ["BOUNDARY", "SlimUNETRpp", "SlimUNETRppConfig"]
