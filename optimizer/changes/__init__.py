"""Changes: the typed operations on an instance, and what an instance is after them."""
