"""How long Polars' allocator (jemalloc) keeps freed memory.

By default it returns large blocks to the system as soon as they are free, and small ones after half a second, so that
each computation gets new pages, which takes a twentieth of its time on large tables. Memory that is kept for two
seconds serves the following steps and the next request.
"""

import os

VARIABLE = "_RJEM_MALLOC_CONF"
SETTING = "oversize_threshold:0,dirty_decay_ms:2000"


def keep_freed_memory() -> None:
    """Make the allocator keep freed memory for a while; has an effect only before Polars is loaded.

    A setting already in the environment is left alone.
    """
    os.environ.setdefault(VARIABLE, SETTING)
