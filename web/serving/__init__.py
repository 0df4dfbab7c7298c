"""Between uvicorn and its clients: limits on the memory, time and file descriptors of connections."""
