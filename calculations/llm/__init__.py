"""LLM usage: what the calls of an organisation cost, how reliable they were, and how fresh that knowledge is."""
