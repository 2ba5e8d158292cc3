# MDHR Edge for JetPack 6.1 and 6.2 (Jetson Orin): CUDA 12.6, TensorRT 10.3, Python 3.10. Not built or run yet.
#
# On the Jetson, in the repository:
#   docker build -f docker/jetpack6.Dockerfile -t mdhr-edge:jetpack6 .
#   alias mdhr='docker run --rm --runtime nvidia --network host -v "$PWD:/data" mdhr-edge:jetpack6'
#   mdhr mdhr-export --bundle best.mdhr --trt
#   mdhr mdhr-run best.mdhr rtsp://camera/stream --provider tensorrt --out au.csv

# PyCUDA exists as source only; its wheel is made where CUDA's headers are.
FROM nvcr.io/nvidia/l4t-tensorrt:r10.3.0-devel AS wheels
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3-dev python3-pip \
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

FROM nvcr.io/nvidia/l4t-tensorrt:r10.3.0-runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
# The system's packages hold TensorRT's Python module. It imports only with `--runtime nvidia`, so not in this build.
RUN python3 -m venv --system-site-packages /opt/mdhr
ENV PATH=/opt/mdhr/bin:$PATH
COPY --from=wheels /wheels /wheels
RUN pip install --no-index --find-links /wheels 'mdhr-edge[cpu,tensorrt]' && rm -rf /wheels
WORKDIR /data
