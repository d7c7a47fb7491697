"""From job threads to the GUI thread."""
