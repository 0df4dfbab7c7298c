"""Between uvicorn and its clients: what a connection may take of memory, time and descriptors."""
