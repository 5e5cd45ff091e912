# One way to do each thing. `make` lists them. Works with GNU make 3.81, which macOS ships.

PYTHON ?= python3
ARGS ?=
WORKERS ?= 3

# Skep is many processes of the same modules: each would compile all of them again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
# Touched when the environment agrees with the lock file and both pyproject.toml.
STAMP := $(VENV)/.set-up
BENCH_STAMP := $(VENV)/.bench-set-up

.DEFAULT_GOAL := help
.PHONY: docs help setup run test check format lock bench clean safety-report screenshots

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo '  ARGS="..." is handed on by run, test, lock, bench, screenshots and safety-report; PYTHON=python3.12 picks the interpreter.'

setup: $(STAMP) ## create .venv with skep, its client and its tools in it

run: setup ## start the daemon and the control panel here (Ctrl-C stops them)
	@$(BIN)/skep up $(ARGS)

test: setup ## run the tests (ARGS="-k queue" picks some)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: setup ## lint, formatting, types, floors and documents
	@echo '==> ruff'
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo 'Run "make format".' >&2; exit 1; }
	@echo '==> mypy'
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary --python-version 3.10 sdk/skep_client
	@echo '==> floors and documents'
	@$(BIN)/python -m pytest -q tests/unit/test_floors_hold.py tests/docs

format: setup ## sort the imports and format the code
	@$(BIN)/ruff check --quiet --fix --exit-zero .
	@$(BIN)/ruff format .

# A later lock is held to the pins of an earlier one, so all three can share one environment.
# Extra indexes and local folders are left out: what is locked must install anywhere.
UV_LOCK = env -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS -u UV_INDEX UV_CUSTOM_COMPILE_COMMAND='make lock' \
	"$$uv" --no-config --quiet pip compile pyproject.toml \
	--universal --python-version 3.11 --generate-hashes $(ARGS)

lock: ## pin the dependencies with hashes (ARGS=--upgrade for newer ones)
	@uv=`command -v uv` || { \
		uv=.lock-tools/bin/uv; \
		test -x $$uv || { $(PYTHON) -m venv .lock-tools && .lock-tools/bin/python -m pip install --quiet uv; }; \
	} && \
	echo '==> requirements.lock' && \
	$(UV_LOCK) -o requirements.lock >/dev/null && \
	echo '==> requirements-dev.lock' && \
	$(UV_LOCK) --extra dev --extra otel -c requirements.lock -o requirements-dev.lock >/dev/null && \
	echo '==> requirements-otel.lock' && \
	$(UV_LOCK) --extra otel -c requirements-dev.lock -o requirements-otel.lock >/dev/null && \
	echo '==> requirements-bench.lock' && \
	$(UV_LOCK) --extra bench -c requirements-dev.lock -o requirements-bench.lock >/dev/null

docs: setup ## write the generated parts of the documents again
	@$(BIN)/python docs/generate.py

bench: $(BENCH_STAMP) ## measure against the peers named in docs
	@$(BIN)/python -m benchmarks $(ARGS)

screenshots: setup ## take pictures of every page of the panel (ARGS="overview" picks some; needs Chromium)
	@$(BIN)/python -m tests.acceptance.screenshots $(ARGS)

safety-report: setup ## send the corpus of hostile and honest inputs to every face (ARGS=--look leaves docs alone)
	@$(BIN)/python -m tests.safety.report $(ARGS)

clean: ## remove .venv, caches and builds; the queue and its records stay
	@rm -rf $(VENV) .lock-tools .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@rm -rf build dist htmlcov *.egg-info sdk/build sdk/*.egg-info
	@find . -path ./.git -prune -o -path ./workspace -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment of an older Python, or one whose Python has gone, is made anew.
$(STAMP): requirements-dev.lock pyproject.toml sdk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Skep needs Python 3.11 or newer, and "$(PYTHON)" is' \
			"`$(PYTHON) --version 2>&1 || true`." >&2; \
		echo 'Name another one, for example: make setup PYTHON=python3.12' >&2; \
		exit 1; }
	@if test -e $(VENV) && \
		! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		rm -rf $(VENV); \
	fi
	@if ! test -x $(BIN)/python; then \
		echo '==> creating $(VENV)'; \
		if command -v uv >/dev/null; then \
			uv venv --quiet --python "`command -v $(PYTHON)`" $(VENV); \
		else \
			$(PYTHON) -m venv $(VENV) || { \
				rm -rf $(VENV); \
				echo 'Could not create $(VENV). On Debian and Ubuntu: apt install python3-venv' >&2; \
				exit 1; }; \
		fi; \
	fi
	@echo '==> installing the locked packages (a minute or so the first time)'
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . -e ./sdk; \
	else \
		{ $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
		$(PIP_INSTALL) --require-hashes -r requirements-dev.lock && \
		$(PIP_INSTALL) --no-deps --no-build-isolation -e . -e ./sdk; \
	fi
	@rm -f $(BENCH_STAMP)
	@touch $(STAMP)
	@echo '==> skep is in $(BIN); ". $(BIN)/activate" puts it on your PATH'

PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(BENCH_STAMP): $(STAMP) requirements-bench.lock
	@echo '==> installing the peers to measure against'
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-bench.lock; \
	else \
		$(PIP_INSTALL) --require-hashes -r requirements-bench.lock; \
	fi
	@touch $(BENCH_STAMP)
