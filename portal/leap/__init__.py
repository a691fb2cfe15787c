"""Leap's published contract in plain Python: no Django, no clock, no settings."""
