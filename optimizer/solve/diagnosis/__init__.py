"""Why no plan exists: limits that would have to change, and rules that prove it."""
