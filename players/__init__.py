"""Decision makers of the vehicle-to-grid market, one a file, each usable alone."""
