"""The command `bestresponse check-player`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from experiments.checking_player import Verdict


def check_player(
    model: Annotated[
        str, typer.Argument(metavar="MODULE:CLASS", help="The class or function that makes the player, or a name.")
    ],
    options: Annotated[
        str, typer.Option(help="What it is called with: JSON, TOML, or a file of either. As in 'bus = \"5\"'.")
    ] = "{}",
    case: Annotated[str, typer.Option(help="Built-in case or path of a TOML file: the market it enters.")] = "teaching",
    scenario: Annotated[str, typer.Option(help="Scenario of the case.")] = "base",
    v2g: Annotated[bool, typer.Option("--v2g/--no-v2g", help="Whether vehicles may discharge.")] = True,
    role: Annotated[str, typer.Option(help="The role it plays; extra: a player beside the roles.")] = "extra",
) -> None:
    """Hold a player of your own against the contract of a player, and explain every failure.

    It enters the market of a case, which is solved; then it is asked at the prices found there and around them.
    Exit codes: 0 it conforms and the market clears with it; 2 bad input; 3 a check fails or the market does not clear.
    """
    from experiments.case import load_case
    from experiments.checking_player import check, read_options
    from experiments.exits import Exit

    verdict = check(load_case(case), role, model, read_options(options), scenario, v2g)
    _show(verdict)
    raise typer.Exit(Exit.SOLVED if verdict.holds else Exit.NOT_SOLVED)


def _show(verdict: Verdict) -> None:
    from rich.console import Console

    from experiments.checking_player import MOST_SEEN
    from experiments.conformance_words import WORDS

    say = Console(highlight=False, markup=False, soft_wrap=True).print
    say(f"The market with it: {verdict.market}")
    for finding in verdict.findings:
        outcome = "FAILS" if finding.seen else f"left out: {finding.left_out}" if finding.left_out else "passes"
        say(f"  {finding.player}, {finding.check}: {outcome}")
    for finding in verdict.failures:
        words = WORDS[finding.check]
        say(f"\n{finding.player} fails the check “{finding.check}”.")
        say(f"  It asks:    {words.asks}")
        for seen in finding.seen[:MOST_SEEN]:
            say(f"  Seen:       {seen}")
        say(f"  What to do: {words.advice}")
    if not verdict.failures:
        say("It conforms." if verdict.holds else "It conforms, but the market does not clear with it.")
