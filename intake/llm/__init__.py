"""LLM usage: events, how they come in, and how they are stored."""
