"""The `fpp` command."""
