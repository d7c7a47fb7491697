"""From volumes to measured labels."""
