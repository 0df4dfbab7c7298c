"""The collector's side: what accepts events and commits them to its SQL database."""
