# MDHR Edge for x86 servers with an NVIDIA GPU: CUDA 13.2, TensorRT 10.16, Python 3.12. Not built or run yet.
#
# In the repository, with the NVIDIA Container Toolkit installed:
#   docker build -f docker/x86.Dockerfile -t mdhr-edge:x86 .
#   alias mdhr='docker run --rm --gpus all --network host -v "$PWD:/data" mdhr-edge:x86'
#   mdhr mdhr-export --bundle best.mdhr --trt
#   mdhr mdhr-run best.mdhr video.mp4 --provider tensorrt --out au.csv
#
# TensorRT 11: --build-arg TENSORRT=26.06. Engines serve only the version and the GPU that built them.

ARG TENSORRT=26.04
FROM nvcr.io/nvidia/tensorrt:${TENSORRT}-py3
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
# The system's packages hold TensorRT's Python module; nvcc tells PyCUDA where CUDA is.
RUN python3 -m venv --system-site-packages /opt/mdhr
ENV PATH=/opt/mdhr/bin:/usr/local/cuda/bin:$PATH
COPY pyproject.toml README.md LICENSE /src/
COPY runtime /src/runtime
COPY export /src/export
COPY mdhr_train /src/mdhr_train
COPY benchmarks /src/benchmarks
RUN pip install --no-cache-dir '/src[gpu,tensorrt]'
WORKDIR /data
