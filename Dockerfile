# The service alone, for managed PostgreSQL and S3: no embedded engines, no test tools. One image
# for web, worker and commands: docs/operating/container.md.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements/service.txt requirements/service.txt
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/service.txt
COPY . .
RUN SECRET_KEY=only-to-collect-static-files-0123456789 /venv/bin/python manage.py collectstatic --noinput

FROM python:3.11-slim
# A fixed number, so that volumes and orchestrators can name it.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin taggedimages
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
# Whether requests are of use here: 503 without database or bucket, where all threads hang, and from
# SIGTERM on.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["python", "-m", "taggedimages.serving", "--host", "0.0.0.0", "--port", "8000"]
