"""Published problems with known answers, addressed by slug: `load("cournot/murphy-sherali-soyster-1982")`.

One TOML file a problem, under `problems/<family>/`: the numbers as published, where they are from, whether the
answer is the only one, the answers themselves with their accuracy, and the rates that theory predicts.
"""

from experiments.catalogue.loader import families, load, slugs
from experiments.catalogue.schema import Answer, Citation, Entry, Rate
from experiments.catalogue.solving import Solved, methods, model_of, solve

__all__ = [
    "Answer",
    "Citation",
    "Entry",
    "Rate",
    "Solved",
    "families",
    "load",
    "methods",
    "model_of",
    "slugs",
    "solve",
]
