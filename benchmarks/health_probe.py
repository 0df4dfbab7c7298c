"""Request `/health` forever and print each latency in ms: `python -m benchmarks.health_probe PORT`.

It imports next to nothing, so that it starts quickly and takes little processor time from the server.
"""

import http.client
import sys
import time

HOST = "127.0.0.1"
EVERY_S = 0.02
PATIENCE_S = 30
MS = 1000


def main(port: int) -> None:
    """Request over a kept-alive connection; reconnect when it was closed."""
    client = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    while True:
        begun = time.monotonic()
        try:
            client.request("GET", "/health")
            client.getresponse().read()
        except (OSError, http.client.HTTPException):
            client.close()
        print((time.monotonic() - begun) * MS, flush=True)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
