"""A process that does not live to answer."""

import os
from typing import Any


def killed(task: Any) -> None:
    os._exit(1)
