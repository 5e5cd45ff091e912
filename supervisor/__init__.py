"""Starting the daemon's processes, keeping them up, and stopping them in order."""
