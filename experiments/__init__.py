"""Things to run: cases, scenarios, figures, benchmarks, the command line."""
