"""Mixed complementarity problems: the engine under the monolith."""
