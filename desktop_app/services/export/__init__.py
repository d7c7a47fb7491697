"""The files of one study, and what stands in them."""
