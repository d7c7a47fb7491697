"""Labels corrected by hand: tools, undo, what is kept against a crash."""
