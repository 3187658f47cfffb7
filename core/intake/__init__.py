"""Bringing pictures in: `look` says what an import would do, `take` does it and reports on each file."""

from core.intake.plan import Plan, Row, from_files, from_pictures, look, together
from core.intake.take import Report, take

__all__ = ["Plan", "Report", "Row", "from_files", "from_pictures", "look", "take", "together"]
