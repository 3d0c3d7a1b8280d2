"""Every scheme by the name that users choose it by, each with its defaults."""

from __future__ import annotations

from collections.abc import Mapping

from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.extragradient import Extragradient
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.golden_ratio import GoldenRatio
from bestresponse.schemes.jacobi import Jacobi
from bestresponse.schemes.pdhg import PDHG
from bestresponse.schemes.protocol import Scheme
from bestresponse.schemes.sharing import Sharing
from bestresponse.schemes.tatonnement import Tatonnement

_ALL: tuple[Scheme, ...] = (
    Sharing(),
    Exchange(),
    GaussSeidel(),
    Jacobi(),
    PDHG(),
    PDHG(restart="average"),
    PDHG(restart="halpern"),
    Extragradient(),
    GoldenRatio(),
    Tatonnement(),
    Tatonnement(step=0.1, name="tatonnement_damped"),
    Tatonnement(averaged=True, name="tatonnement_averaged"),
    Tatonnement(decay=0.6, name="tatonnement_diminishing"),
)
SCHEMES: Mapping[str, Scheme] = {scheme.name: scheme for scheme in _ALL}
FOR_CONVEX_COSTS = (  # that converge for every σ where all costs are convex and an equilibrium exists
    "sharing",
    "exchange",
    "jacobi",
    "pdhg",
    "pdhg_average",
    "pdhg_halpern",
    "extragradient",
    "golden_ratio",
)
