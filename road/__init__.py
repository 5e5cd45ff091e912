"""The golden path: what happens to a task from its claim to its end."""
