"""What a tab remembers; the only room that reads and writes the state of a session."""
