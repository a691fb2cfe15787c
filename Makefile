# Every way to run, test and check the portal. `make` alone lists them.
#
# Needs make and Python 3.11 or newer. PYTHON=/path/to/python chooses one, PORT=8001 serves the demo at another port.

PYTHON ?= python3
PORT ?= 8000
# For the second run of the tests: any server on which this user may create databases.
POSTGRESQL_URL ?= postgres://postgres@127.0.0.1:5432/portal

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-input --requirement
# Touched after an installation, so that the next one is done only when a list of requirements has changed.
STAMP := $(VENV)/.requirements
STAMP_DEV := $(VENV)/.requirements-dev

# The settings that Django's deployment checks look at: as they are behind https.
CHECK_ENV := SECRET_KEY=a-text-for-the-checks-alone-of-more-than-fifty-characters-0123456789 DEBUG=off \
	ALLOWED_HOSTS=portal.example.com PUBLIC_URL=https://portal.example.com LEAP_ENVIRONMENT=production SANDBOX=off \
	DATABASE_URL=sqlite://:memory:

.DEFAULT_GOAL := help
.PHONY: help demo test test-sqlite test-postgresql contract bench lint format messages free-port

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Run ---------------------------------------------------------------------------------------------------------

# A .env that `make demo` wrote keeps its port: what it says of PUBLIC_URL gives way to this run's (the environment comes
# first). Written before there were webhooks, it lacks their secret: that is added.
DEMO_ENV = $$(grep -q '^. Written by `make demo`' .env && echo PUBLIC_URL=http://127.0.0.1:$(PORT))

demo: $(STAMP) .env free-port ## run the portal with sample data at http://127.0.0.1:8000 (Ctrl-C ends it)
	@if grep -q '^. Written by `make demo`' .env && ! grep -q '^LEAP_WEBHOOK_SECRET=' .env; then \
		echo "LEAP_WEBHOOK_SECRET=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(32))')" >> .env; fi
	@env $(DEMO_ENV) $(PY) manage.py migrate --verbosity 0
	@env $(DEMO_ENV) $(PY) manage.py sync_roles >/dev/null
	@env $(DEMO_ENV) $(PY) manage.py demo
	@# Both in the background, so that the shell hears at once when it is told to stop, and stops both.
	@env $(DEMO_ENV) $(PY) manage.py run_worker & worker=$$!; \
	env $(DEMO_ENV) $(BIN)/gunicorn portal.wsgi --bind 127.0.0.1:$(PORT) --workers 2 --threads 4 --graceful-timeout 5 --no-control-socket \
		--log-level warning & web=$$!; \
	trap 'kill -TERM $$web $$worker 2>/dev/null' INT TERM HUP; \
	env $(DEMO_ENV) $(PY) manage.py register_webhook || echo "The sandbox will tell the portal nothing by webhook."; \
	wait $$web; kill -TERM $$worker 2>/dev/null; wait $$web $$worker; echo "The portal has stopped."

# A first start without any setting; whoever has a .env keeps it.
.env: | $(PY)
	@umask 077 && printf '%s\n' \
		'# Written by `make demo`. .env.example says what else can be set.' \
		"SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))')" \
		"LEAP_WEBHOOK_SECRET=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(32))')" \
		'DEBUG=off' \
		'ALLOWED_HOSTS=127.0.0.1,localhost' \
		'PUBLIC_URL=http://127.0.0.1:$(PORT)' \
		'LEAP_ENVIRONMENT=sandbox' \
		'SANDBOX=on' > .env

free-port: | $(PY)
	@$(PY) -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); \
	s.bind(("127.0.0.1", $(PORT)))' 2>/dev/null || { \
		echo "Port $(PORT) is busy: stop what listens there, or choose another with “make demo PORT=8001”." >&2; exit 1; }

# --- Test and measure --------------------------------------------------------------------------------------------

test: $(STAMP_DEV) ## run every test, on SQLite and once more on PostgreSQL
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test-sqlite
	@$(MAKE) --no-print-directory test-postgresql

test-sqlite: $(STAMP_DEV)
	@echo "Tests on SQLite"
	@env -u DATABASE_URL $(BIN)/pytest --numprocesses 2 --dist worksteal

# What a database can answer differently: all but the pure parts and the browser.
test-postgresql: $(STAMP_DEV)
	@if $(PY) -c 'import psycopg; psycopg.connect("$(POSTGRESQL_URL)", dbname="postgres", connect_timeout=3)' \
		2>/dev/null; then \
		echo "Tests on PostgreSQL"; \
		DATABASE_URL='$(POSTGRESQL_URL)' $(BIN)/pytest --numprocesses 2 --dist worksteal -m 'not browser and not pure' \
			--ignore tests/leap --ignore tests/printing --ignore tests/browser; \
	elif [ "$$REQUIRE_ALL" = 1 ]; then \
		echo "REQUIRE_ALL=1, but no PostgreSQL server answers at $(POSTGRESQL_URL)" >&2; exit 1; \
	else \
		echo "Tests on PostgreSQL: skipped, as no server answers at $(POSTGRESQL_URL)"; \
	fi

contract: $(STAMP_DEV) ## hold the sandbox against Leap's OpenAPI files: make contract LEAP_API=folder
	@test -n "$(LEAP_API)" || { echo "Name the folder with Leap's OpenAPI files: make contract LEAP_API=folder" >&2; exit 1; }
	@$(PY) -m tests.sandbox.check_contract '$(LEAP_API)'
	@env -u DATABASE_URL LEAP_API='$(abspath $(LEAP_API))' $(BIN)/pytest --quiet tests/sandbox

bench: $(STAMP_DEV) ## measure the portal beside its peers (ARGS=--quick: under 3 minutes)
	@$(PY) -m bench $(ARGS)

# --- Check -------------------------------------------------------------------------------------------------------

lint: $(STAMP_DEV) ## check style, types, templates, imports, migrations and the settings behind https
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CHECK_ENV) $(BIN)/mypy
	$(BIN)/djlint --quiet --check templates
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/lint-imports
	$(CHECK_ENV) $(PY) manage.py check --deploy --fail-level WARNING
	$(CHECK_ENV) $(PY) manage.py makemigrations --check --dry-run

format: $(STAMP_DEV) ## write code and templates in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint --quiet --reformat templates

messages: $(STAMP_DEV) ## compile the Spanish texts after a change of the .po file
	$(BIN)/pybabel compile --domain django --directory portal/locale --statistics

# --- The virtual environment -------------------------------------------------------------------------------------

$(PY):
	@found=; for python in $(PYTHON) python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "The portal needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 | tail -n 1)." \
			"Install it, or name one: make PYTHON=/path/to/python3.11 …" >&2; exit 1; \
	fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "$$found lacks the module venv: install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; \
	fi; \
	echo "Making the virtual environment $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV)

$(STAMP): requirements.txt | $(PY)
	@echo "Installing what the portal runs on …"
	@$(PIP_INSTALL) requirements.txt
	@touch $@

$(STAMP_DEV): requirements-dev.txt requirements.txt | $(PY)
	@echo "Installing what tests and checks need …"
	@$(PIP_INSTALL) requirements-dev.txt
	@touch $(STAMP) $@
