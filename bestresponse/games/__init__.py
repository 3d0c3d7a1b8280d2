"""Games without a market: players who trade nothing and meet only through what the others last played."""

from bestresponse.games.certificate import GameCertificate, GameTolerances, certify_game
from bestresponse.games.costs import CournotCost, IsoelasticDemand, LinearDemand, ProductionCost, QuadraticCost
from bestresponse.games.dynamics import ORDERS, GameStop, PlayResult, play
from bestresponse.games.game import Game, Layout, Rows, SmoothCost, SmoothPlayer
from bestresponse.games.normalised import GameSolution, solve_game
from bestresponse.linear_rate import linear_rate

__all__ = [
    "ORDERS",
    "CournotCost",
    "Game",
    "GameCertificate",
    "GameSolution",
    "GameStop",
    "GameTolerances",
    "IsoelasticDemand",
    "Layout",
    "LinearDemand",
    "PlayResult",
    "ProductionCost",
    "QuadraticCost",
    "Rows",
    "SmoothCost",
    "SmoothPlayer",
    "certify_game",
    "linear_rate",
    "play",
    "solve_game",
]
