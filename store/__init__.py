"""Truth on disk: one SQLite database, and the files that are views of it."""
