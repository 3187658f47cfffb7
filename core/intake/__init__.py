"""Bringing pictures in: `look` says what an import would do, `take` does it and reports on each file."""

from core.intake.grouped import assign_groups, group_columns
from core.intake.plan import Plan, Row, from_files, from_pictures, look, together
from core.intake.take import Report, take

__all__ = [
    "Plan",
    "Report",
    "Row",
    "assign_groups",
    "from_files",
    "from_pictures",
    "group_columns",
    "look",
    "take",
    "together",
]
