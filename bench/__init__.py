"""Measurements beside peers, printed as ratios: `make bench`."""
