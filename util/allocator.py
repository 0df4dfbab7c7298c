"""How Polars' allocator (jemalloc) keeps memory.

By itself it gives large blocks back to the system as soon as they are free, and small ones after half a second, so that
each computation has its pages made anew, which takes a twentieth of its time on large tables. What is kept for two
seconds serves the sections that follow, and the next request.
"""

import os

VARIABLE = "_RJEM_MALLOC_CONF"
SETTING = "oversize_threshold:0,dirty_decay_ms:2000"


def keep_freed_memory() -> None:
    """Have the allocator keep what is freed for a while; it takes effect if Polars is not loaded yet.

    Whoever runs the process may know better: a setting of their own stays.
    """
    os.environ.setdefault(VARIABLE, SETTING)
