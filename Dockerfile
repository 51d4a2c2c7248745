# docker build --build-arg VERSION="$(git describe --tags --abbrev=0)" -t bids_ari .
# How to run the image: docs/platforms.md
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG VERSION=0.1.0
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 SETUPTOOLS_SCM_PRETEND_VERSION=${VERSION}
RUN python3 -m venv /opt/venv
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY bids_ari bids_ari
RUN /opt/venv/bin/pip install .
# First runs, on a small group: what they compile for any CPU, and the list of fonts, stay in /opt/home.
ENV HOME=/opt/home NUMBA_CACHE_DIR=/opt/home/.cache/numba NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=""
WORKDIR /first_runs
RUN mkdir /opt/home \
    && /opt/venv/bin/python -m bids_ari.simulate firstlevel --subjects 8 --voxel-size 6 \
    && /opt/venv/bin/bids-ari firstlevel out group --nprocs 1 \
        --atlas firstlevel/sourcedata/truth/*_desc-regions_dseg.nii.gz \
    && /opt/venv/bin/bids-ari firstlevel permuted group --nprocs 1 \
        --inference simes --n-permutations 100 \
    && chmod -R a+rX /opt
COPY docker/entrypoint /opt/entrypoint

FROM ${PYTHON_IMAGE}
COPY --from=build /opt /opt
ENV PATH=/opt/venv/bin:$PATH HOME=/nonexistent LANG=C.UTF-8 \
    NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES="" \
    PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1
# Any user may run it; the root may be read-only, as all that is written elsewhere goes to /tmp.
USER 1000:1000
VOLUME /tmp
WORKDIR /tmp
ENTRYPOINT ["/opt/entrypoint"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ENV BIDS_ARI_DOCKER_TAG=bids_ari:${VERSION}
LABEL org.opencontainers.image.title="bids_ari" \
    org.opencontainers.image.description="All-Resolutions Inference on the group level of a BIDS dataset" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
