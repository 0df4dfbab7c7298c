"""LLM usage over 10 million events, ours beside DuckDB."""
