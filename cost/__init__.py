"""What a model call costs, in whole micro-dollars."""
