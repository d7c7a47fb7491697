"""Which series is T1, T1 with contrast, T2 and FLAIR, by what headers say."""
