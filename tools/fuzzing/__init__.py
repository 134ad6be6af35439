"""Parts of `tools/fuzz.py`: what inputs are made of, how they are broken, and what must hold of the answers."""
