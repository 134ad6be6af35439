"""Benchmarks: run by hand, results committed. No test depends on their figures."""
