# `make demo` and `make test` do all of their own set-up, into .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

# A machine with a GPU, without a network: PyTorch and CUDA are its own; a folder of wheels brings the rest and this
# project: `pip wheel --no-deps --wheel-dir wheels .`, and what docs/tensorrt.md names.
WHEELS ?= wheels
GPU_BIN := .venv-gpu/bin
GPU_READY := .venv-gpu/ready

# A file of tests stays in one process; the longest, which tests/conftest.py names, begin first.
PARALLEL := --numprocesses auto --dist loadfile --no-loadscope-reorder

.PHONY: setup demo test test-fast coverage lint bench gpu-test gpu-bench clean

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

setup: $(READY)

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh demo-output

test: $(READY)
	$(BIN)/python -m pytest $(PARALLEL)

test-fast: $(READY)
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

coverage: $(READY)
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report term:skip-covered

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m mdhr_bench.random_bundle benchmark-output/resnet50.mdhr
	$(BIN)/mdhr-bench benchmark-output/resnet50.mdhr --out benchmark-output/result.json

# PYTHON may itself be that of a virtual environment, whose packages `--system-site-packages` does not show.
$(GPU_READY): $(wildcard $(WHEELS)/*.whl)
	@test -n "$(wildcard $(WHEELS)/mdhr_edge-*.whl)" || \
	    { echo "There is no wheel of this project in $(WHEELS)/: pip wheel --no-deps --wheel-dir $(WHEELS) ."; exit 1; }
	$(PYTHON) -m venv .venv-gpu
	$(PYTHON) -c 'import sys; print(*(p for p in sys.path if p.endswith("-packages")), sep="\n")' \
	    > "$$($(GPU_BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/machine.pth"
	$(GPU_BIN)/python -m pip install --quiet --no-index --no-deps $(wildcard $(WHEELS)/*.whl)
	@touch $(GPU_READY)

gpu-test: $(GPU_READY)
	$(GPU_BIN)/python -m pytest tests/gpu

gpu-bench: $(GPU_READY)
	$(GPU_BIN)/python -m mdhr_bench.random_bundle benchmark-output/resnet50-gpu.mdhr --precision float16 --engines
	$(GPU_BIN)/mdhr-bench benchmark-output/resnet50-gpu.mdhr --provider tensorrt --out benchmark-output/gpu-result.json

clean:
	rm -rf .venv .venv-gpu benchmark-output demo-output build *.egg-info
