"""A corpus of hostile and honest inputs, and what sends it to the public faces."""
