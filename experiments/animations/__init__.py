"""Figures that show an algorithm at work, step by step: as stills for slides, and moving."""
