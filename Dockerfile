# One image for all processes: the server by default; compose.yaml has the commands of the others.
FROM python:3.12.12-slim-bookworm
WORKDIR /app
# The updater reads repositories with git.
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv==0.13.9 \
    && useradd --create-home analytics \
    && mkdir data collected \
    && chown analytics data collected
# The packages change less often than the program.
COPY pyproject.toml uv.lock .python-version README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project
COPY . .
RUN uv sync --locked --no-dev
USER analytics
ENV PATH="/app/.venv/bin:$PATH" DATA_DIR=/app/data HOST=0.0.0.0
EXPOSE 5100
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5100/health')"]
CMD ["python", "main.py"]
