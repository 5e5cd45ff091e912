"""Files that a person writes beside the settings: TOML, YAML or JSON, and where in them a value stands."""
