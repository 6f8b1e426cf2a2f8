# make demo      compile a residual network for the PYNQ-Z2, simulate real digits, show the report
# make test      all tests but the longest; make test-all runs those too, and the ones that need PyTorch
# make test-pynq the host package under each version of pynq, on simulated boards
# make test-imports  networks of Larq and Brevitas, exported in environments of their own (1.5 GB)
# make lint      ruff, mypy, Verilator and verible lint
# make docs      the documentation as a site with search, in build/site
# make notebooks run the host's notebooks and keep their outputs; NAMES="1 3": some of them
# make bench     performance figures
# make networks  the papers' networks at 32x32: compiled, simulated, accuracy after a short training
# make accuracy  train twenty small networks, compare integers with float
# make cost-model  measure the hardware units with Yosys again and fit the cost model
# make paths     longest logic path of each hardware unit, with Yosys; BUILD=folder: of a build's

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
TORCH := torch==2.13.0
PYNQ := 3.0.1 3.1.2 4.0.0
# Python 3.11 is the last that TensorFlow 2.15 has, and that is the last with Keras 2, for Larq.
PYTHON_LARQ ?= python3.11
LARQ := tensorflow-cpu==2.15.1 larq==0.13.3 larq-zoo==2.4.0 tf2onnx==1.17.0 onnx==1.17.0
BREVITAS := $(TORCH) brevitas==0.13.4 qonnx==1.0.0 onnx onnxscript onnxoptimizer==0.4.2

.PHONY: demo test test-all test-zoo test-pynq test-imports lint format docs notebooks bench networks accuracy cost-model paths clean

$(VENV)/.run: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[sim,images]' 'scikit-learn>=1.4'
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[sim,synth,images,dev]' -e host
	touch $@

$(VENV)/.zoo: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check '$(TORCH)' -e '.[zoo]'
	touch $@

# pynq 3 is built with old tools, and its cffi reads C with an old parser.
.venv-pynq-%/.ready: host/pyproject.toml
	$(PYTHON) -m venv .venv-pynq-$*
	.venv-pynq-$*/bin/pip install --quiet --disable-pip-version-check 'setuptools<80' wheel
	.venv-pynq-$*/bin/pip install --quiet --disable-pip-version-check --no-build-isolation \
	  'pynq==$*' 'pycparser<3' 'pytest>=8'
	.venv-pynq-$*/bin/pip install --quiet --disable-pip-version-check -e host
	touch $@

.venv-larq/.ready:
	$(PYTHON_LARQ) -m venv .venv-larq
	.venv-larq/bin/pip install --quiet --disable-pip-version-check $(LARQ:%='%')
	touch $@

.venv-brevitas/.ready:
	$(PYTHON) -m venv .venv-brevitas
	.venv-brevitas/bin/pip install --quiet --disable-pip-version-check $(BREVITAS:%='%')
	touch $@

$(VENV)/.docs: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

demo: $(VENV)/.run
	$(BIN)/python examples/digits_demo.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow" $(ARGS)

test-all: $(VENV)/.zoo $(PYNQ:%=.venv-pynq-%/.ready)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-zoo: $(VENV)/.zoo
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow" tests/compiler/zoo tests/compiler/frontend \
	  tests/end_to_end/test_tutorial.py tests/end_to_end/test_recipes.py $(ARGS)

test-pynq: $(VENV)/.dev $(PYNQ:%=.venv-pynq-%/.ready)
	$(BIN)/python -m pytest tests/host/test_pynq.py $(ARGS)

# What cannot be installed is skipped, with the framework's name.
test-imports: $(VENV)/.dev
	-$(MAKE) .venv-larq/.ready
	-$(MAKE) .venv-brevitas/.ready
	$(BIN)/python -m pytest -rs tests/imports $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy compiler/bnnhw host/bnnhw_host
	$(BIN)/python -m pytest -q tests/hw/test_lint.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "build/site; to read it with search: python3 -m http.server -d build/site"

notebooks: $(VENV)/.zoo
	$(BIN)/python tools/run_notebooks.py $(NAMES)

bench: $(VENV)/.zoo
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/host.py

networks: $(VENV)/.zoo
	$(BIN)/python benchmarks/networks.py $(ARGS)

accuracy: $(VENV)/.zoo
	$(BIN)/python benchmarks/rounded_accuracy.py

cost-model: $(VENV)/.dev
	$(BIN)/python tools/fit_cost.py --measure

paths: $(VENV)/.dev
	$(BIN)/python tools/critical_path.py $(if $(BUILD),--build $(BUILD),--points) --jobs $(JOBS)

clean:
	rm -rf $(VENV) .venv-* build dist .pytest_cache .mypy_cache .ruff_cache
