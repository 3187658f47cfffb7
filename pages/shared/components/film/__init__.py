"""The film of learning."""
