"""What a player is held against: the checks that `bestresponse.conformance` runs."""
