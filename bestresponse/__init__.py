"""The market game: goods, players, schemes, certificates. It knows no traffic, no feeder, no player."""
