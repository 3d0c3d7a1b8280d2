"""The equilibrium as one convex program: a route of its own, from the tables to the prices.

A helper of tests and benchmarks, not of the project: it shares no code with `networks`, `players` or
`bestresponse`. It reads the CSV and TOML tables itself, builds its own routes, paths, feeder rows and markets,
minimises the potential of the market (Hou, Li, Pang, arXiv:2605.16765, section III: the integrable case, one value
of time for all electric vehicles and affine demand) in CVXPY with Clarabel, and reads the prices off the
multipliers of the clearing rows. An answer of the project that agrees with it was not made by a shared mistake.
"""

from tests.one_program.result import OneProgramResult
from tests.one_program.solve import solve_one_program

__all__ = ["OneProgramResult", "solve_one_program"]
