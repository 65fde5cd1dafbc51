# Needs a Python from 3.11 on with venv and pip, and nothing else: everything is installed into
# $(VENV), from the hash-pinned files in requirements/.

PYTHON ?= python3
VENV ?= .venv

# Wheels only: building a source distribution would run code that no hash here covers.
INSTALL = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
INSTALL_PINNED = $(INSTALL) --require-hashes --only-binary :all:
LOCK = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-strip-extras --custom-compile-command "make lock"

RUNTIME = $(VENV)/.runtime-installed
SERVING = $(VENV)/.serving-installed
DEMO = $(VENV)/.demo-installed
DEV = $(VENV)/.dev-installed
DOCS_TOOLS = $(VENV)/.docs-installed
EVIDENCE = $(VENV)/.evidence-installed
MUTATION = $(VENV)/.mutation-installed
# In an environment of its own: it demands other versions of what we pin.
OPEN_WEBUI_VERSION ?= 0.12.4
OPEN_WEBUI_VENV ?= .venv-open-webui
TORCH ?= torch==2.13.0
INSTALL_OPEN_WEBUI = $(OPEN_WEBUI_VENV)/bin/python -m pip install --quiet --only-binary :all: \
	--disable-pip-version-check
OPEN_WEBUI = $(OPEN_WEBUI_VENV)/.open-webui-$(OPEN_WEBUI_VERSION)-installed
MISTRAL = build/mistral-common
IN_VENV = PATH="$(abspath $(VENV))/bin:$$PATH"

# How Ctrl-C, the ordinary way to end it, makes the demo exit. The shell must outlive the signal.
INTERRUPTED = 130

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all lint format lock upgrade clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO) ## Run the proxy without keys, on embedded stand-ins (DOCS=folder: your documents; PORT=8100)
	@trap : INT; $(VENV)/bin/rag-proxy demo $(if $(DOCS),--docs "$(DOCS)") \
		$(if $(PORT),--port "$(PORT)") || [ $$? -eq $(INTERRUPTED) ]

.PHONY: install
install: $(SERVING) ## Install rag-proxy for serving, with the locked versions (VENV=/opt/rag-proxy)
	@echo "Installed: $(VENV)/bin/rag-proxy"

test: $(DEV) ## Check a change: lint, types, import rules, tests but the long ones
	@$(IN_VENV) scripts/test

test-all: $(DEV) ## Check everything: with the long tests, more examples, and coverage
	@$(IN_VENV) scripts/test --all

lint: $(DEV) ## Check without running tests
	@$(IN_VENV) scripts/lint

format: $(DEV) ## Lay out the code and apply safe fixes
	@$(VENV)/bin/ruff check --fix-only --quiet
	@$(VENV)/bin/ruff format

# Without a choice of targets, and where mistral is one of them.
ASKS_MISTRAL = $(if $(findstring --only,$(ARGS)),$(findstring mistral,$(ARGS)),yes)

.PHONY: schema
schema: $(RUNTIME) ## Write the schemas of the API and of the settings file anew (proxy/schemas)
	@$(VENV)/bin/python -m proxy.schemas

.PHONY: fuzz mistral-common
fuzz: $(DEV) ## Feed broken input to all that reads input (ARGS="--seconds 600 --only http"; ARGS=--help)
	@$(if $(ASKS_MISTRAL),$(MAKE) --no-print-directory mistral-common || echo "Going on without it.")
	@$(VENV)/bin/python -m tests.fuzz $(ARGS)

.PHONY: soak
soak: $(DEV) ## Let 1,000 streams meet faults, hang-ups and slow readers (ARGS="--streams 5000"; ARGS=--help)
	@$(VENV)/bin/python -m tests.soak $(ARGS)

.PHONY: mutation
mutation: $(DEV) $(MUTATION) ## Break the core on purpose and see tests fail (ARGS="--only scope"; ARGS=--help)
	@$(VENV)/bin/python -m tests.mutation $(ARGS)

.PHONY: evidence
evidence: $(EVIDENCE) ## Measure how well quotes bear out sentences (ARGS="--seed 1"; docs/evidence.md)
	@$(VENV)/bin/python -m tests.evidence $(ARGS)

.PHONY: e2e-open-webui
e2e-open-webui: $(DEV) $(OPEN_WEBUI) ## Ask on Open WebUI's own page, in Chromium (installs Open WebUI: 3 GB)
	@OPEN_WEBUI_VENV="$(OPEN_WEBUI_VENV)" $(VENV)/bin/python -m pytest tests/open_webui $(ARGS)

.PHONY: clients
clients: $(DEV) ## Have real clients ask the proxy; installs 2 GB (ARGS="--only ai-sdk"; ARGS=--write; ARGS=--help)
	@OPEN_WEBUI_VENV="$(OPEN_WEBUI_VENV)" $(VENV)/bin/python -m tests.clients $(ARGS)

# Two versions cannot live in one environment. The fuzzer runs each in a process of its own.
mistral-common: $(MISTRAL)/old/.installed $(MISTRAL)/new/.installed

.PHONY: bench bench-peers
bench: $(RUNTIME) ## Measure the proxy beside its peers, which make bench-peers installs (ARGS=--quick; ARGS=--help)
	@$(VENV)/bin/python -m bench $(ARGS)

bench-peers: $(RUNTIME)
	@$(VENV)/bin/python -m bench.install

.PHONY: access-cost
access-cost: $(RUNTIME) ## Measure what a key, limits and usage cost an answer (ARGS="--pairs 15"; ARGS=--help)
	@$(VENV)/bin/python -m bench.access $(ARGS)

.PHONY: metrics-cost
metrics-cost: $(RUNTIME) ## Measure what counting for /metrics costs an answer (ARGS="--pairs 15"; ARGS=--help)
	@$(VENV)/bin/python -m bench.counting $(ARGS)

.PHONY: quality
quality: $(RUNTIME) ## Count right, cited answers of a real small model (ARGS="--mode tool"; ARGS=--help)
	@$(VENV)/bin/python -m tests.quality $(ARGS)

.PHONY: screenshots
screenshots: $(DEV) ## Take the pictures of the page that are in images/ (needs Chromium)
	@$(VENV)/bin/python -m tests.page.screenshots

.PHONY: docs
docs: $(DOCS_TOOLS) ## Build the documentation as a site, in build/site
	@$(VENV)/bin/mkdocs build --quiet --strict
	@echo "The site is in build/site."

.PHONY: tag
tag: ## Tag the current commit with the version in pyproject.toml (CONTRIBUTING.md: how to release)
	@scripts/tag-release

# The first file decides every version; the others are subsets of it.
lock: $(DEV) ## Write requirements/ anew for changed dependencies, keeping versions where possible
	$(LOCK) pyproject.toml --extra ask --extra demo --extra identity --extra traces --group dev --output-file requirements/dev.txt $(LOCK_OPTIONS)
	$(LOCK) pyproject.toml --constraint requirements/dev.txt --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml --extra demo --constraint requirements/dev.txt --output-file requirements/demo.txt
	$(LOCK) pyproject.toml --extra identity --extra traces --constraint requirements/dev.txt --output-file requirements/serving.txt
	$(LOCK) --group build --constraint requirements/dev.txt --output-file requirements/build.txt
	$(LOCK) --group docs --constraint requirements/dev.txt --output-file requirements/docs.txt
	$(LOCK) --group evidence --constraint requirements/dev.txt --output-file requirements/evidence.txt
	$(LOCK) --group mutation --constraint requirements/dev.txt --output-file requirements/mutation.txt
	$(LOCK) --group mistral-old --output-file requirements/mistral-old.txt $(LOCK_OPTIONS)
	$(LOCK) --group mistral-new --output-file requirements/mistral-new.txt $(LOCK_OPTIONS)

upgrade: LOCK_OPTIONS = --upgrade
upgrade: lock ## Write requirements/ anew with the newest versions allowed

clean: ## Remove the environment and everything that tools have left behind
	rm -rf $(VENV) $(OPEN_WEBUI_VENV) build dist htmlcov .coverage .coverage.* .fuzz .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache tests/e2e/node/node_modules
	find proxy tests scripts -type d -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@scripts/create-venv "$(PYTHON)" "$(VENV)" "$(MAKECMDGOALS)"

$(MISTRAL)/%/.installed: requirements/mistral-%.txt $(VENV)/pyvenv.cfg
	@echo "Installing mistral-common ($*) into $(@D) ..."
	@rm -rf $(@D)
	@$(INSTALL_PINNED) --target $(@D) -r $<
	@touch $@

# pyproject.toml holds the version and the command, which an editable install copies.
$(RUNTIME): requirements/build.txt requirements/runtime.txt pyproject.toml $(VENV)/pyvenv.cfg
	@echo "Installing what rag-proxy needs into $(VENV) ..."
	@$(INSTALL_PINNED) -r requirements/build.txt -r requirements/runtime.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# What the image has, too. The package is copied, so this needs the checkout no longer.
$(SERVING): requirements/build.txt requirements/serving.txt pyproject.toml $(VENV)/pyvenv.cfg
	@echo "Installing rag-proxy and what it needs into $(VENV) ..."
	@$(INSTALL_PINNED) -r requirements/build.txt -r requirements/serving.txt
	@$(INSTALL) --no-deps --no-build-isolation --force-reinstall .
	@touch $@

$(DEMO): requirements/demo.txt $(RUNTIME)
	@echo "Installing what only the demo needs into $(VENV) ..."
	@$(INSTALL_PINNED) -r requirements/demo.txt
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "Installing what the tests need into $(VENV) ..."
	@$(INSTALL_PINNED) -r requirements/dev.txt
	@touch $@

$(DOCS_TOOLS): requirements/docs.txt $(VENV)/pyvenv.cfg
	@echo "Installing what only the documentation's site needs into $(VENV) ..."
	@$(INSTALL_PINNED) -r requirements/docs.txt
	@touch $@

$(EVIDENCE): requirements/evidence.txt $(RUNTIME)
	@echo "Installing labelled sentences into $(VENV) ..."
	@$(INSTALL_PINNED) -r requirements/evidence.txt
	@touch $@

$(MUTATION): requirements/mutation.txt $(RUNTIME)
	@echo "Installing mutmut into $(VENV) ..."
	@$(INSTALL_PINNED) -r requirements/mutation.txt
	@touch $@

# torch comes first, so that TORCH can name a small build: some bring gigabytes for graphics cards.
$(OPEN_WEBUI):
	@command -v chromedriver >/dev/null || \
		{ echo "rag-proxy: ChromeDriver is missing; on Debian: apt install chromium-driver" >&2; exit 1; }
	@scripts/create-venv "$(PYTHON)" "$(OPEN_WEBUI_VENV)" "$(MAKECMDGOALS)"
	@echo "Installing Open WebUI $(OPEN_WEBUI_VERSION) into $(OPEN_WEBUI_VENV) ..."
	@$(INSTALL_OPEN_WEBUI) $(TORCH)
	@$(INSTALL_OPEN_WEBUI) open-webui==$(OPEN_WEBUI_VERSION)
	@touch $@
