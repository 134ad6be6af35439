"""Postsolve: what is done to a solution before it is a plan."""
