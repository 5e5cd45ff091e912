"""Runs: graphs of tasks with a policy, in the order of their dependencies, within budget, with context."""
