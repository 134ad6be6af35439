"""Primal heuristics: plans constructed workload by workload and improved by large-neighbourhood search."""
