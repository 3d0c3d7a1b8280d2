"""Figures as parts of a page."""

from __future__ import annotations

import re
from pathlib import Path

_SIZE = re.compile(r'\s(?:width|height)="[^"]*"')
_REFERENCE = re.compile(r'(\bid="|href="#|url\(#)')


def inline_svg(path: Path, name: str, label: str) -> str:
    """Return an SVG file as an element of a page: as wide as its place, described to those who do not see it.

    The name is put before every id, so that several figures of one page do not borrow one another's parts.
    """
    text = path.read_text(encoding="utf-8")
    start = text.index("<svg")
    head, body = text[start:].split(">", 1)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    return f'{_SIZE.sub("", head)} role="img" aria-label="{label}">' + _REFERENCE.sub(rf"\1{name}-", body)
