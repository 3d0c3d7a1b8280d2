"""Sweeps: many runs of one case with some of its keys varied, stored one by one, as a table and a figure."""
