"""Generalized assignment: kernel search, shifts and swaps, packings."""
