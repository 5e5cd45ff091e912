"""The verbs of ``skep``: a file for each, loaded when it is called."""
