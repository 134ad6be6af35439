"""Solvers of special structure: assignment and location, which no general method solves as well."""
