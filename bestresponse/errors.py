"""The errors users meet, sorted by what helps: mend the data, mend the model, or look at the solver."""

from __future__ import annotations


class BestResponseError(Exception):
    """Root of every error this project raises on purpose; its text is meant for the user's screen."""


class DataError(BestResponseError, ValueError):
    """The input is wrong: the message names the file, key or row, what was given and what is allowed."""


class FormulationError(BestResponseError):
    """A player or market is stated in a way that cannot work; a change of the model helps, a retry does not."""


class SolverError(BestResponseError):
    """A subproblem failed; the message names who, where and the solver's own reason."""
