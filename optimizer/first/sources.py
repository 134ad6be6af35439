"""What a first instance can begin with."""

SOURCES = {"focus": "focus", "skypilot": "skypilot", "csv": "plan"}
"""What `domicile init --from` may be, and the import that reads it."""
