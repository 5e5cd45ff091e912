"""The control panel: pages and the JSON API of one home, on loopback, for the person who owns it."""
