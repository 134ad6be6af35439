"""Assignments by packings: whole contents of places, chosen together."""
