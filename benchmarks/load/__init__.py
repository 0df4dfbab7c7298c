"""How the server answers when many ask at once."""
