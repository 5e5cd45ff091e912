"""How fast Skep is, each figure beside a peer or a limit that was measured in the same run: `make bench`."""
