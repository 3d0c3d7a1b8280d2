"""Benchmarks: the routes to the same equilibrium timed side by side, and whole commands from outside."""
