# One list of verbs, for people and CI alike. `make demo` and `make test` install what they need into .venv.
PYTHON ?= python3
BIN := .venv/bin
# A process more than there are cores, as a third of their time is waiting, but no more than four: each starts servers
# of its own.
PROCESSES := $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
# Without bytecode kept, each process that a test starts would compile all modules anew: half as much again.
export PYTHONDONTWRITEBYTECODE :=
PYTEST := $(BIN)/python -m pytest -q --numprocesses $(PROCESSES) --dist loadscope

.venv/installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
		{ echo "the venv module is missing: on Debian, apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.PHONY: demo test test-slow test-all lint bench docs lock clean
demo: .venv/installed        ## build three legacy districts, start PostgreSQL, migrate, verify
	$(BIN)/migrate demo

test: .venv/installed        ## the fast suite
	$(PYTEST) -m "not slow"

test-slow: .venv/installed   ## the others, up to the first that fails
	$(PYTEST) -x -m slow

test-all: .venv/installed    ## everything: kills, damage, volumes
	$(PYTEST)

lint: .venv/installed        ## style, types, import arrows
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

SIZE ?= small
bench: .venv/installed       ## what a migration costs, against COPY and others; SIZE=whole: 2 and 5 million results too
	$(BIN)/python -m tests.bench --size $(SIZE)

docs: .venv/installed        ## write anew what is generated in docs/, and the JSON Schemas
	$(BIN)/python -m schemas.fidelity > docs/fidelity.md
	$(BIN)/python -m tests.faults.damages.written
	$(BIN)/python -m tests.catalog_page
	$(BIN)/python -m schemas.json_schema
	$(BIN)/python -m pipeline.settings.json_schema

lock:                        ## pin every dependency, with hashes
	uv pip compile --quiet --universal --python-version 3.11 --extra embedded --extra dev --generate-hashes \
		--no-emit-index-url --no-header pyproject.toml -o requirements.lock

clean:                       ## stop the demo's server and remove what the verbs above made
	-$(BIN)/migrate demo --stop
	rm -rf demo .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
