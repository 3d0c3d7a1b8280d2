"""Benchmarks: the routes to the same equilibrium timed side by side, and whole commands from outside."""

import os

# One thread of linear algebra for every route, as on the command line; numpy reads this once, on import.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
