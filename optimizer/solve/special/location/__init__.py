"""Facility location: linking rows added where broken, Benders cuts, local search over sets of sites."""
