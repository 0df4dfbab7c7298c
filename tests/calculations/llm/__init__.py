"""The calculations of LLM usage."""
