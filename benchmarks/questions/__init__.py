"""How fast questions of `/v1` are answered, compared with DuckDB SQL."""

from util.allocator import keep_freed_memory

keep_freed_memory()  # As in the server; Polars reads it when it is loaded.
