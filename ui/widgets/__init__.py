"""Building blocks that panels and dialogs share."""
