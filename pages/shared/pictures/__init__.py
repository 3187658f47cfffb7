"""The parts of the Pictures page: browse, label what is new, problems, map, classes, and adding."""
