"""``/api/v1``: everything the panel shows and does, as JSON. One blueprint a subject."""
