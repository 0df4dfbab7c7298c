"""How fast the questions of `/v1` are answered."""
