"""Bringing pictures in: `look` says what an import would do, `take` does it and reports on each file."""

from core.datasets.importing.choices import ImportChoices
from core.datasets.importing.description import describe
from core.datasets.importing.group_tables import assign_groups, group_columns
from core.datasets.importing.history import past_imports
from core.datasets.importing.look import from_files, look
from core.datasets.importing.plan import Plan, Row, from_pictures, together
from core.datasets.importing.take import Report, take

__all__ = [
    "ImportChoices",
    "Plan",
    "Report",
    "Row",
    "assign_groups",
    "describe",
    "from_files",
    "from_pictures",
    "group_columns",
    "look",
    "past_imports",
    "take",
    "together",
]
