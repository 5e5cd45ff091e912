"""Doubles for tests: what stands in for the outside world, speaking its real protocols."""
