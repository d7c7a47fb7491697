"""Linked slice views and the surface view: the only part of the window that uses VTK."""
