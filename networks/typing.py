"""Array types used in signatures."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Vector: TypeAlias = NDArray[np.float64]
ComplexArray: TypeAlias = NDArray[np.complex128]
IntVector: TypeAlias = NDArray[np.int64]
Index32: TypeAlias = NDArray[np.int32]  # where there are many
BoolVector: TypeAlias = NDArray[np.bool_]
SparseMatrix: TypeAlias = sparse.csr_array
