"""From a slug to its file: list, find, read, complain."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from bestresponse.errors import DataError
from experiments.catalogue.schema import Entry

PROBLEMS = Path(__file__).parent / "problems"


@cache
def slugs() -> tuple[str, ...]:
    """Return the slugs of all problems, sorted."""
    return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in PROBLEMS.glob("*/*.toml")))


def families() -> tuple[str, ...]:
    """Return the families that slugs begin with, sorted."""
    return tuple(sorted({slug.partition("/")[0] for slug in slugs()}))


def load(slug: str) -> Entry:
    """Return the problem of a slug. Raises DataError for an unknown one, with the nearest known ones."""
    if slug not in slugs():
        raise DataError(f"the catalogue has no problem {slug!r}{_suggestion(slug)}")
    return read(PROBLEMS / f"{slug}.toml", slug)


def read(path: Path, slug: str) -> Entry:
    """Return the problem in a file. Raises DataError that names the file, the key and what is wrong with it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    try:
        return Entry.model_validate({**data, "slug": slug})
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise DataError("\n".join(lines)) from error


def _suggestion(slug: str) -> str:
    """Return the nearest slugs, by the whole or by the half after the family."""
    near = difflib.get_close_matches(slug, slugs(), n=3, cutoff=0.5)
    tails = {known.partition("/")[2]: known for known in slugs()}
    words = slug.rpartition("/")[2]
    near += [tails[tail] for tail in difflib.get_close_matches(words, tails, n=3, cutoff=0.5)]
    near += [known for known in slugs() if words and words in known][:3]
    found = list(dict.fromkeys(near))[:3]
    if found:
        return "; did you mean " + " or ".join(found) + "?"
    return f"; its families are {', '.join(families())} (`bestresponse games list` shows all)"
