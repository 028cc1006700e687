# Everything set up here lies in .work/, in pip's and Go's own caches, and in ${XDG_CACHE_HOME:-~/.cache}/helmstack.

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Any Python from 3.11 on runs the tooling; it picks the interpreters for the environments itself.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
TOOLS = $(if $(PYTHON),,$(error No Python from 3.11 on is on the PATH))PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m tools
CLUSTER = $(PYTHON) tests/cluster/cluster.py

.PHONY: help setup test docs demo bench cluster cluster-stop matrix format role-specs pins release clean

help: ## this list
	@grep -hE '^[a-z%][a-z%-]*:.*## ' $(MAKEFILE_LIST) | sort -s -t: -k1,1 | sed 's/:.*## /\t/' | expand -t 16
	@echo 'Steps: lint unit sanity units ansible-lint docs changelog build integration cluster;'
	@echo '       -oldest or -newest after sanity, units and integration is one end of the matrix.'

test: ## all test steps, with a table at the end (needs only Python, make, git and package registries)
	@$(TOOLS) test

test-%: ## one test step, e.g. test-unit or test-sanity-oldest
	@$(TOOLS) test $*

docs: ## the documentation as web pages: .work/docs/html/index.html
	@$(TOOLS) test docs

# The command line's KUBECONFIG=… alone counts: an exported one would turn a demo loose on whatever cluster is current.
demo: export HELMSTACK_TOOLS_KUBECONFIG = $(if $(filter command line,$(origin KUBECONFIG)),$(KUBECONFIG))
demo: ## the examples on a local control plane, or on your cluster: make demo KUBECONFIG=~/.kube/config
	@$(TOOLS) demo

bench: ## the benchmark on a local control plane; parts of it: make bench ARGS=--fleet
	@$(TOOLS) script tests/benchmark/run.py $(ARGS)

cluster: ## start a local control plane and say how to reach it
	@$(CLUSTER) build
	@$(CLUSTER) start

cluster-stop: ## stop it
	@$(CLUSTER) stop

setup: ## make the development environment .work/venv
	@$(TOOLS) setup

matrix: ## show the Pythons found and the ansible-core versions tested
	@$(TOOLS) matrix

format: setup ## put the Python files into ruff's layout
	@.work/venv/bin/ruff check --fix-only --quiet .
	@.work/venv/bin/ruff format .

role-specs: ## write the role's argument_specs.yml from the modules' options
	@$(TOOLS) script tools/role_specs.py

release: ## a release: make release VERSION=1.2.3, with DRY_RUN=1 in a clone that is thrown away
	@$(TOOLS) release $(if $(DRY_RUN),--dry-run) $(or $(VERSION),$(error Say which: make release VERSION=1.2.3))

pins: ## resolve the pinned packages anew
	@$(TOOLS) pins

clean: cluster-stop ## stop the control plane and remove .work/
	@rm -rf .work
