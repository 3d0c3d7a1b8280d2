"""The command `bestresponse lab`."""

from __future__ import annotations

from typing import Annotated

import typer

MISSING = 'lab: Panel is not installed; python -m pip install "bestresponse[lab]"'


def lab(
    port: Annotated[int, typer.Option(help="Port on this machine; 0 for any that is free.", min=0, max=65535)] = 5006,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Whether to open the page.")] = True,
) -> None:
    """Open a page on which runs are chosen, stepped and watched sweep by sweep; Ctrl-C ends it.

    It is served to this machine alone (127.0.0.1) and needs no network. Needs the extra `lab`.
    """
    from bestresponse.errors import DataError

    try:
        from experiments.lab.page import listening
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in ("panel", "bokeh"):
            raise
        raise DataError(MISSING) from None
    try:
        server = listening(port or free_port(), browser)
    except OSError as error:
        raise DataError(f"--port: {port} cannot be used ({error.strerror}); choose another, or 0 for any") from None
    typer.echo(f"The lab is at http://127.0.0.1:{server.port}  (Ctrl-C ends it)")
    server.start()
    server.io_loop.start()


def free_port() -> int:
    """Return a port on which nothing listens."""
    import socket

    with socket.socket() as test:
        test.bind(("127.0.0.1", 0))
        return int(test.getsockname()[1])
