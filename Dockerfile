# The API, the worker and every command in one image: docker build -t certvault .
# Without the embedded engines and the tools: the image talks to a PostgreSQL and an S3 store beside it.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 \
    UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/certvault UV_LINK_MODE=copy UV_NO_CACHE=1
WORKDIR /src
COPY bootstrap.txt ./
RUN pip install --require-hashes --no-deps -r bootstrap.txt
# The libraries first: they change less often than the code.
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --no-install-project --compile-bytecode
COPY vault vault
COPY signing signing
COPY storage storage
COPY api api
COPY migrations migrations
RUN uv sync --frozen --no-dev --no-editable --compile-bytecode

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin certvault
COPY --from=build /opt/certvault /opt/certvault
ENV PATH=/opt/certvault/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER certvault
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["certvault"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
