# Everything sets itself up: `make demo` and `make test` on a fresh clone need only python3-venv.
#
#   make demo PORT=9000 ARGS="--workflows 1000"
#   make demo ARGS="--live --faults 20%"
#   make test ARGS="-k matrix"

SHELL := /bin/bash
VENV := .venv
ARGS ?=
PORT ?=
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadgroup

# Programs beside Python that tests need, as Debian calls them. Installed where `make` runs as root.
# The browser's driver is linked against libatomic1 and does not bring it.
APT_TEST := chromium fonts-dejavu-core libatomic1
# Servers that some tests start for themselves when they are here.
APT_SERVERS := postgresql rabbitmq-server slapd ldap-utils apache2 libapache2-mod-wsgi-py3 libapache2-mod-auth-openidc nginx-light
# What python-ldap is compiled with.
APT_BUILD := gcc libc6-dev python3-dev libldap2-dev libsasl2-dev

# uv trusts its own list of authorities; where the machine has one, it may hold a proxy's too.
UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
export UV_SYSTEM_CERTS

export VENV
export WWT_STARTED := $(shell date +%s)

# A stamp says what was installed and for which place: an environment that was moved is made anew.
PLACE := $(shell pwd -P | cksum | cut -d' ' -f1)
CORE := $(VENV)/.installed-$(PLACE)
TEST := $(VENV)/.installed-test-$(PLACE)
DOCS := $(VENV)/.installed-docs-$(PLACE)
DEMO := $(VENV)/.installed-demo-$(PLACE)

.PHONY: help demo install test quick test-all drill bench coverage lint format docs components clean distclean
.DEFAULT_GOAL := help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: $(if $(findstring --live,$(ARGS)),$(DEMO),$(CORE))  ## serve a made-up grid (PORT=8080)
	@exec $(VENV)/bin/wwt demo $(if $(PORT),--port $(PORT)) $(ARGS)

install: $(CORE)  ## install this tree, editable, into .venv

test: $(TEST) components  ## install what the tests need, then lint, types and tests
	@tools/test.sh $(PARALLEL) $(ARGS)

quick: $(TEST)  ## the tests that need neither other programs nor many seconds: minutes
	@$(VENV)/bin/pytest $(PARALLEL) -m "not (drill or slow or needs)" $(ARGS)

test-all: $(TEST)  ## the tests without a browser, with every Python from 3.10 to 3.13 that is here
	@tools/test-all.sh $(ARGS)

drill: $(TEST) components  ## the long forms of the tests
	@$(VENV)/bin/pytest -m drill --hypothesis-profile=drill $(ARGS)

coverage: $(TEST) components  ## the tests, with the lines that none of them runs
	@$(VENV)/bin/pytest $(PARALLEL) --cov --cov-report=term-missing $(ARGS)

bench: $(TEST)  ## measure what is promised to be fast
	@$(VENV)/bin/python -m benchmarks $(ARGS)

lint: $(TEST)  ## layout, likely bugs, types
	@tools/test.sh lint

format: $(TEST)  ## let ruff lay out the code and mend what it can
	@$(VENV)/bin/ruff check --quiet --fix-only . ; $(VENV)/bin/ruff format .

docs: $(DOCS)  ## the pages of docs/, into build/docs
	@$(VENV)/bin/sphinx-build -W --keep-going -b html docs build/docs

components:
	@tools/components.sh $(APT_TEST) $(APT_SERVERS) $(APT_BUILD)
	@tools/extras.sh

clean:  ## remove what was built, keep the environment
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find wwt_framework plugins tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove the environment too
	rm -rf $(VENV) .npm

$(CORE): setup.py pyproject.toml tools/install.sh
	@tools/install.sh
	@touch $@

$(TEST): setup.py pyproject.toml tools/install.sh
	@tools/install.sh test
	@touch $@ $(CORE)

$(DEMO): setup.py pyproject.toml tools/install.sh
	@tools/install.sh demo
	@touch $@ $(CORE)

$(DOCS): setup.py pyproject.toml tools/install.sh
	@tools/install.sh docs
	@touch $@
