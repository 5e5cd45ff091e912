"""What is looked at of a machine and a home, and what to do about what is found: the checks of every face."""
