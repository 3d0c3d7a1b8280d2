"""Measured parts of a Markdown page: what stands between two marks comes from a script, and only from there."""

from __future__ import annotations

from pathlib import Path

from bestresponse.errors import DataError
from bestresponse.files import replacing


def write_block(page: Path, name: str, text: str) -> None:
    """Put a text between the marks `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a page.

    Raises DataError for a page that cannot be read or has not each mark once, in this order.
    """
    try:
        old = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{page}: cannot be read as text ({type(error).__name__})") from error
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if not (old.count(begin) == old.count(end) == 1 and old.index(begin) < old.index(end)):
        raise DataError(f"{page}: must have the marks {begin} and {end}, each once, in this order")
    head, _, rest = old.partition(begin)
    with replacing(page) as file:
        file.write(f"{head}{begin}\n{text.strip()}\n{end}{rest.partition(end)[2]}")
