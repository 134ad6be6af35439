"""The independent audit: a plan judged from Instance + Plan, without compile step, formulations or solver."""

from __future__ import annotations

from optimizer.audit.findings import KINDS, AuditReport, Violation
from optimizer.audit.run import audit

__all__ = ["KINDS", "AuditReport", "Violation", "audit"]
