"""Gliascope: everything the product does, free of any GUI toolkit.

For research use. Not a medical device.
"""

__all__ = ["DISCLAIMER", "__version__"]

__version__ = "0.1.0"

DISCLAIMER = "For research use. Not a medical device."
"""Stands wherever results are shown or written."""
