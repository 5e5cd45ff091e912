"""Kept states of the workspace: made outside its own history, and brought back from there."""
