# MDHR Edge for JetPack 7 (Jetson Thor; Orin from 7.2 on): Python 3.12, TensorRT and CUDA of the JetPack. Not built or
# run yet.
#
# On the Jetson, in the repository:
#   docker build -f docker/jetpack7.Dockerfile -t mdhr-edge:jetpack7 .
#   alias mdhr='docker run --rm --runtime nvidia --network host -v "$PWD:/data" mdhr-edge:jetpack7'
#   mdhr mdhr-export --bundle best.mdhr --trt
#   mdhr mdhr-run best.mdhr rtsp://camera/stream --provider tensorrt --out au.csv
#
# JetPack 7.1: --build-arg L4T=r38.4 --build-arg CUDA=13-0; JetPack 7.0: L4T=r38.2 and CUDA=13-0.

# NVIDIA has no l4t-tensorrt image of JetPack 7: its apt repository gives the TensorRT that the board itself has.
FROM ubuntu:24.04 AS base
ARG L4T=r39.2
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl python3 python3-venv \
    && curl -fsSL https://repo.download.nvidia.com/jetson/jetson-ota-public.asc -o /usr/share/keyrings/jetson.asc \
    && echo "deb [signed-by=/usr/share/keyrings/jetson.asc] https://repo.download.nvidia.com/jetson/common ${L4T} main" \
        > /etc/apt/sources.list.d/jetson.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends python3-libnvinfer \
    && rm -rf /var/lib/apt/lists/*

# PyCUDA exists as source only; its wheel is made where CUDA's headers are.
FROM base AS wheels
ARG CUDA=13-2
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3-dev python3-pip \
        "cuda-nvcc-${CUDA}" "cuda-cudart-dev-${CUDA}" "cuda-driver-dev-${CUDA}" "cuda-profiler-api-${CUDA}" \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/local/cuda/bin:$PATH
# Random numbers are not used, so their library need not be in the image.
RUN echo 'CUDA_ENABLE_CURAND = False' > /etc/aksetup-defaults.py
COPY pyproject.toml README.md LICENSE /src/
COPY runtime /src/runtime
COPY export /src/export
COPY mdhr_train /src/mdhr_train
COPY benchmarks /src/benchmarks
RUN pip3 wheel --wheel-dir /wheels '/src[cpu,tensorrt]'

FROM base
# The system's packages hold TensorRT's Python module.
RUN python3 -m venv --system-site-packages /opt/mdhr
ENV PATH=/opt/mdhr/bin:$PATH
COPY --from=wheels /wheels /wheels
RUN pip install --no-index --find-links /wheels 'mdhr-edge[cpu,tensorrt]' && rm -rf /wheels
WORKDIR /data
