# Every target sets up what it needs in .venv. Another interpreter: make test PYTHON=python3.13
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := .[encryption] plugins/cleo-tasks plugins/cleo-brain[wordllama] plugins/cleo-conduit plugins/cleo-nexus plugins/cleo-signaldock[client,postgres] plugins/cleo-telemetry

.PHONY: demo test lint bench chaos docs snapshots format clean

$(STAMP): pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit("CLEO needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.13") if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PACKAGES:%=-e %) --group dev
	@# Where PYTHONDONTWRITEBYTECODE is set, each process would compile everything anew.
	@$(BIN)/python -m compileall -q cleo_core chaos $(wildcard plugins/*/src)
	@touch $@

demo: $(STAMP) ## import a real tracker, choose, claim, work, complete, find, export
	@$(BIN)/python examples/demo.py

test: $(STAMP) ## the whole suite
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: $(STAMP) ## format, lint, types, layers, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/make_snapshots.py --check
	@$(BIN)/python tools/make_docs.py --check

bench: $(STAMP) ## ratios against a floor measured in the same run
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(STAMP) ## kill and starve real processes on all stores; ARGS="--calls 500 --seed 7"
	@$(BIN)/python -m chaos $(ARGS)

docs: $(STAMP) ## make the generated pages anew
	@$(BIN)/python tools/make_docs.py

snapshots: $(STAMP) ## make the packaged schema snapshots anew
	@$(BIN)/python tools/make_snapshots.py

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
