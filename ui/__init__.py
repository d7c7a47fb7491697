"""The window: views, presenters, viewers and panels."""
