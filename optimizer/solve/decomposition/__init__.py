"""Dantzig–Wolfe decomposition at the local/coupling cut: configurations of one workload, priced and put together."""
