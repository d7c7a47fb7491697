"""Long work: events, cancellation, the runner and the worker process."""
