# integration-exporter: small, without root, without a shell's help, fit for a read-only root.
#
#   docker build -t integration-exporter .      (with BuildKit: Debian 12 needs DOCKER_BUILDKIT=1 or docker-buildx)
#   docker run --read-only --tmpfs /tmp --cap-drop ALL -v integration-exporter:/data -p 127.0.0.1:10055:10055 \
#     -v "$PWD/integration-exporter.yml:/etc/integration-exporter/integration-exporter.yml:ro" integration-exporter
#
# docs/install.md says how the page and the API are opened to others than the container itself.
#
# The base is pinned by its tag, which may move. For builds that never change, pin the digest that
#   docker buildx imagetools inspect python:3.13-slim-trixie
# prints: --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/integration-exporter
# Locked versions by hash, and nothing that would need a compiler.
COPY deploy/locks/runtime.txt deploy/locks/runtime.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/integration-exporter/bin/python -m pip install --quiet --only-binary=:all: --require-hashes \
      -r deploy/locks/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY docs docs
COPY deploy/systemd deploy/systemd
COPY exporter exporter
RUN /opt/integration-exporter/bin/python -m hatchling build --target wheel --directory /wheels
RUN /opt/integration-exporter/bin/python -m pip install --quiet --no-deps --no-index --find-links /wheels \
      integration-exporter
# What only builds goes, and pip last, once it has found that nothing is missing.
RUN /opt/integration-exporter/bin/python -m pip uninstall --quiet --yes \
      hatchling editables pathspec pluggy tomlkit trove-classifiers \
 && /opt/integration-exporter/bin/python -m pip check \
 && /opt/integration-exporter/bin/python -m pip uninstall --quiet --yes pip
RUN mkdir /data

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="integration-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the third-party integrations of a SaaS platform, for every tenant" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/integration-exporter /opt/integration-exporter
# A named volume that is mounted here takes this owner over.
COPY --from=build --chown=65532:65532 /data /data
# The admin token of an exporter without a web configuration is $STATE_DIRECTORY/admin-token.
ENV PATH=/opt/integration-exporter/bin:$PATH STATE_DIRECTORY=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
# The store is a file of the working directory unless the configuration says otherwise.
WORKDIR /data
VOLUME /data
EXPOSE 10055
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["integration-exporter", "healthcheck"]
ENTRYPOINT ["integration-exporter"]
CMD ["--config.file=/etc/integration-exporter/integration-exporter.yml", "--web.listen-address=:10055", "--log.format=json"]
