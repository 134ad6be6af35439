"""Presolve: smaller or tighter models with the same optima, and the way back to the whole one."""
