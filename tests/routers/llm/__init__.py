"""The answers about LLM usage."""
