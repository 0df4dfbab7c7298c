"""How fast the updater reads a database and writes the read model."""
