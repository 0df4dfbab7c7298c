"""How fast the figures are computed, compared with the obvious alternatives."""
