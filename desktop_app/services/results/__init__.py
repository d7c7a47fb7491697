"""Results on disk: where they lie, what is kept of them, how they are opened again."""
