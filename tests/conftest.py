"""Sets up what must be said before numpy is loaded."""

import experiments  # noqa: F401  one thread for the linear algebra
