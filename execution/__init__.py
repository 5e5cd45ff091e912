"""How a claimed task is executed: a model call or a command, stopped when it must be, its outcome durable."""
