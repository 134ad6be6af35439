"""The engine behind `domicile`: load, compile, solve, read the plan, audit, report.

`import domicile` is the public name. Nothing is imported here, so that every sub-package keeps its own name.
"""

__version__ = "0.1.0"
