"""Drivers in traffic equilibrium."""
