"""How the server performs under load."""
