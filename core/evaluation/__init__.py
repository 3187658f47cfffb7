"""Looking into one or more trained models."""
