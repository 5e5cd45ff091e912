"""What every HTTP face on loopback shares: who may come in, how bodies and errors look, the server."""
