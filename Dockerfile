# Two images from the same files and the same commands as on a machine without containers.

FROM python:3.11-slim-bookworm AS app
# Pango and the fonts draw the PDF files of briefings and the report.
RUN apt-get update && apt-get install -y --no-install-recommends make libpango-1.0-0 libpangoft2-1.0-0 \
    libharfbuzz-subset0 fonts-noto-core fonts-wqy-microhei && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --home-dir /srv/ownwords ownwords && mkdir /data && chown ownwords /data
WORKDIR /srv/ownwords
USER ownwords
COPY --chown=ownwords requirements requirements
COPY --chown=ownwords pyproject.toml README.md ./
COPY --chown=ownwords translations translations
COPY --chown=ownwords submissions submissions
COPY --chown=ownwords channels channels
RUN requirements/environments.sh app
COPY --chown=ownwords Makefile commission.yml LICENSE ./
ENV OWNWORDS_DATA=/data OWNWORDS_HOST=0.0.0.0
CMD ["make", "web"]

FROM python:3.10-slim-bookworm AS bot
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --home-dir /srv/ownwords ownwords && mkdir /data && chown ownwords /data
WORKDIR /srv/ownwords
USER ownwords
COPY --chown=ownwords requirements requirements
RUN requirements/environments.sh bot
COPY --chown=ownwords bot bot
# The assistant is trained once, when the image is made.
RUN OMP_NUM_THREADS=1 .venv-bot/bin/python -m bot.train
COPY --chown=ownwords Makefile LICENSE ./
ENV OWNWORDS_DATA=/data OWNWORDS_BOT_HOST=0.0.0.0
CMD ["make", "bot"]
