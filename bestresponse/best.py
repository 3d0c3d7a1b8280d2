"""The sweep of a run that came nearest to clearing, which is its answer if none clears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bestresponse.checkpoint import Tree
from bestresponse.player import Response
from bestresponse.stopping import Measures
from bestresponse.typing import Vector


@dataclass(frozen=True)
class Best:
    """What was found in that sweep."""

    sweep: int
    measures: Measures
    price: Vector  # (n_goods,)
    responses: Mapping[str, Response]

    def arrays(self) -> Tree:
        """Return it as arrays only, by name: what `Best.of` takes."""
        answers = {name: response.arrays() for name, response in self.responses.items()}
        return {**vars(self.measures), "sweep": np.array(self.sweep), "price": self.price, "responses": answers}

    @classmethod
    def of(cls, arrays: Tree) -> Best:
        """Return what `arrays` describes."""
        measures = Measures(arrays["imbalance"], arrays["disagreement"])
        answers = {name: Response.of(answer) for name, answer in arrays["responses"].items()}
        return cls(int(arrays["sweep"]), measures, arrays["price"], answers)
