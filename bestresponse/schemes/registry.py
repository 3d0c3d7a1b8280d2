"""Every scheme by the name that users choose it by, each with its defaults."""

from __future__ import annotations

from collections.abc import Mapping

from bestresponse.schemes.exchange import Exchange
from bestresponse.schemes.gauss_seidel import GaussSeidel
from bestresponse.schemes.protocol import Scheme
from bestresponse.schemes.sharing import Sharing
from bestresponse.schemes.tatonnement import Tatonnement

SCHEMES: Mapping[str, Scheme] = {
    scheme.name: scheme for scheme in (Sharing(), Exchange(), GaussSeidel(), Tatonnement())
}
