# bnnhw with simulation and synthesis. Build and look what it has:
#   docker build -t bnnhw .
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" bnnhw doctor
FROM python:3.11-slim

# The simulator compiles C++: g++, make and perl; lz4 and zlib write FST waveforms. All else comes
# with pip. A release of Debian has one version of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make perl liblz4-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY compiler compiler
COPY hw hw
COPY hls hls
COPY sim sim
COPY models models
COPY host host
# hadolint ignore=DL3013
RUN pip install --no-cache-dir '.[sim,synth,images,fast]'

# Caches of tools go where any user may write: --user gives builds the owner that they should have.
ENV HOME=/tmp
RUN useradd --no-create-home --uid 1000 bnnhw && install --directory --owner bnnhw /work
USER 1000
WORKDIR /work
VOLUME /work
ENTRYPOINT ["bnnhw"]
CMD ["--help"]
