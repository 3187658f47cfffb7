"""Everything declarative: settings with their bounds, presets, and the lists of what there is."""
