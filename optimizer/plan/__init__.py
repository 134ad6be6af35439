"""Plans: what a solve answers, and what the audit judges."""

from __future__ import annotations
