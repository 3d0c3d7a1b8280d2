"""Coordination schemes, one a file."""
