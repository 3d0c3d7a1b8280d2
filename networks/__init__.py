"""Physics and data of roads and feeders; knows no player and no price."""
