"""How many events per second the collector stores durably."""
