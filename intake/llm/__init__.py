"""LLM usage: events, the ways they come in, and how they are stored."""
