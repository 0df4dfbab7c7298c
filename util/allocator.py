"""How Polars' allocator (jemalloc) keeps memory. Import this before Polars.

By itself it gives large blocks back to the system as soon as they are free, and small ones after half a second, so that
each computation has its pages made anew, which takes a twentieth of its time on large tables. What is kept for two
seconds serves the sections that follow, and the next request.
"""

import os

VARIABLE = "_RJEM_MALLOC_CONF"
SETTING = "oversize_threshold:0,dirty_decay_ms:2000"

# Who runs the server knows better.
os.environ.setdefault(VARIABLE, SETTING)
