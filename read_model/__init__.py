"""The read model: the tables, the snapshots that hold them, and the sync that fills them from a source."""
