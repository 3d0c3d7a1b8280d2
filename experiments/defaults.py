"""What `solve`, `compare`, `watch` and studies take where nothing else is asked for."""

TOLERANCE = 1e-8  # largest relative imbalance of any good
MAX_SWEEPS = 600
