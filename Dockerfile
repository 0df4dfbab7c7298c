# One image for both processes: the server by default, the updater with `python update_readmodel.py`.
FROM python:3.12.12-slim-bookworm
WORKDIR /app
RUN pip install --no-cache-dir uv==0.13.9 && useradd --create-home analytics && mkdir data && chown analytics data
COPY pyproject.toml uv.lock .python-version README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project
COPY config.py main.py server.py update_readmodel.py ./
COPY calculations calculations
COPY cli cli
COPY dashboard dashboard
COPY read_model read_model
COPY reports reports
COPY routers routers
COPY sources sources
COPY util util
COPY web web
RUN uv sync --locked --no-dev
USER analytics
ENV PATH="/app/.venv/bin:$PATH" DATA_DIR=/app/data HOST=0.0.0.0
EXPOSE 5100
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5100/health')"]
CMD ["python", "main.py"]
