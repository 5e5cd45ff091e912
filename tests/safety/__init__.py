"""A corpus of hostile and honest inputs, and what drives the public faces with it. See `tests.safety.corpus`."""
