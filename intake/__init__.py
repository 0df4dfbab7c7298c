"""The collector: accepts events and commits them to its SQL database."""
