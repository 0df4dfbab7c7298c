"""The routes: a line of meaning each."""
