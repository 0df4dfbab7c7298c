"""The tables of each read model, declared once."""
