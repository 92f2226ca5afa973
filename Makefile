# `make run` starts everything; `make test` runs everything that guards the project. Both prepare what they need.
# PORT=8000 is the port of `make run`; PYTHON=... names a Python (>= 3.12) that is not found by itself. KILLS=1000 is how
# often `make kill` kills, SEED=... repeats one of its runs.

PO := $(wildcard invites/locale/*/LC_MESSAGES/*.po)
MO := $(PO:.po=.mo)

.PHONY: help setup tools base run test check format bench kill fuzz audit messages lock clean
.DEFAULT_GOAL := help

help:
	@echo 'make run       start the dashboard, its worker and the DingTalk sandbox (PORT=8000)'
	@echo 'make test      everything: format, lint, types, tests on SQLite and PostgreSQL, tests in Chromium'
	@echo 'make check     the part of it that runs no product code: format, lint, types, translations'
	@echo 'make format    lay out Python and templates'
	@echo 'make bench     measure the figures that the project promises (BENCH=history: that part alone)'
	@echo 'make kill      kill workers, web servers and PostgreSQL while people send; is anybody lost or called twice? (KILLS=1000)'
	@echo 'make audit     ask the advisory service about known vulnerabilities of the dependencies (needs the internet)'
	@echo 'make fuzz      send far more of what is made up than `make test` does: to pages, forms, files and the API (EXAMPLES=300)'
	@echo 'make messages  collect the texts to translate into invites/locale'
	@echo 'make lock      choose the versions in requirements/*.txt anew from requirements/*.in'
	@echo 'make setup     prepare the environment in .venv alone'

base:
	@python=$$(sh requirements/python.sh) && "$$python" requirements/install.py base

setup: base $(MO)

tools: setup
	@.venv/bin/python requirements/install.py dev

%.mo: %.po | base
	@.venv/bin/python -c 'import sys, polib; polib.pofile(sys.argv[1]).save_as_mofile(sys.argv[2])' $< $@

run: setup
	@.venv/bin/python manage.py serve

test: tools
	@.venv/bin/python -m tests.everything

check: tools
	@.venv/bin/python -m tests.everything --static

format: tools
	@.venv/bin/python -m tests.everything --format

bench: tools
	@LOG_LEVEL=WARNING .venv/bin/python -m tests.services.postgres .venv/bin/python -m tests.benchmarks $(BENCH)

kill: tools
	@.venv/bin/python -m tests.kills --kills $(or $(KILLS),1000) $(if $(SEED),--seed $(SEED))

audit: tools
	@.venv/bin/python requirements/audit.py

# One test tries hundreds of things, which takes minutes where it shares a processor.
fuzz: tools
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),300) .venv/bin/python -m pytest --quiet --numprocesses=auto \
		--override-ini=faulthandler_timeout=3600 tests/invites/test_api_contract.py tests/security/test_fuzz.py

messages: tools
	@.venv/bin/python -m tests.translations --update
	@$(MAKE) --no-print-directory setup

lock: tools
	@for list in base dev; do \
		.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-annotate \
			--no-emit-index-url --custom-compile-command 'make lock' \
			requirements/$$list.in --output-file requirements/$$list.txt || exit 1; \
	done
