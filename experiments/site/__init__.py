"""The documentation's own machinery: what pages show of the source, and where their numbers are from."""
