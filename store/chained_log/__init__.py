"""A table of the store as a file whose lines hang together: exported once, repaired, rotated, checked."""
