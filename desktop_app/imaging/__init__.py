"""Images on grids: resampling, registration, brain extraction."""
