# The two commands to know are `make demo` and `make test`. Both start from nothing but Python >= 3.10, git and make.
# PYTHON=/path/to/python3 chooses the interpreter of .venv; the newest suitable one is found without it.

PYTHON ?=
run = .venv/bin/python

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check frameworks bench clean environment dev-environment frameworks-environment

help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: environment ## run the main job, visibly, in a scratch store (.demo)
	@examples/demo.sh

test: dev-environment ## run every test here, and the unit tests on Python 3.10 and 3.13 where installed
	@.ci/test-versions
	$(run) -m pytest -n auto --dist worksteal

check: dev-environment ## formatting, lint, types, tests: what has to pass before a commit
	$(run) -m ruff format --check .
	$(run) -m ruff check .
	$(run) -m mypy
	@$(MAKE) --no-print-directory test

frameworks: frameworks-environment ## run the tests against the libraries whose use is captured (gigabytes to download)
	@.venv-frameworks/bin/python .ci/test-frameworks

bench: environment ## measure the bars of the speed table
	$(run) benchmarks/run.py

clean: ## remove the environments, the scratch store and everything generated
	@test ! -e .demo || chmod -R u+w .demo
	rm -rf .venv .venv-3.* .venv-frameworks .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name .git -prune -o -type d -name __pycache__ -exec rm -rf {} +

environment:
	@.ci/venv .venv package $(if $(PYTHON),"$(PYTHON)")

dev-environment:
	@.ci/venv .venv dev $(if $(PYTHON),"$(PYTHON)")

frameworks-environment:
	@.ci/venv .venv-frameworks frameworks $(if $(PYTHON),"$(PYTHON)")
