"""What programs that watch are told: spans of runs, tasks, model calls and commands, and figures."""
