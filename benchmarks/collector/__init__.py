"""How many events a second the collector makes durable."""
