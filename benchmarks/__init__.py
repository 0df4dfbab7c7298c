"""How fast the figures are computed, and how that compares with what one would pick instead."""
