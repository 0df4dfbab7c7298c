"""LLM usage over 10 million events, compared with DuckDB."""
