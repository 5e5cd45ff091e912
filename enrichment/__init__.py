"""Who did it, and what did they earn?"""
