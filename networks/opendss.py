"""OpenDSS through OpenDSSDirect.py: an engine of its own for every use, which opens no window and changes no folder."""

from __future__ import annotations

from typing import Any

from networks.extras import optional


def opendss_engine() -> Any:
    """Return a fresh OpenDSS, without a circuit. Raises NetworkDataError if OpenDSSDirect.py is not installed."""
    engine = optional("opendssdirect", "OpenDSSDirect.py", "opendss").dss.NewContext()
    for allow in (engine.Basic.AllowForms, engine.Basic.AllowEditor, engine.Basic.AllowChangeDir):
        allow(False)
    return engine
