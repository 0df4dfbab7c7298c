# Every command of this repository. A bare `make` lists them.
PYTHON ?= python3
PORT ?= 5100
UV := $(or $(shell command -v uv),$(PYTHON) -m uv)
# Run the commands directly: `uv run` would pass on Ctrl-C a second time.
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install demo test format sync serve bench soak

help: ## List these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

install: ## Install uv (with pip, when it is missing) and the Python packages
	@$(UV) --version >/dev/null 2>&1 || $(PYTHON) -m pip install --quiet uv \
		|| { echo "uv is missing and pip could not install it: install uv by hand, then run make again" >&2; exit 69; }
	@$(UV) sync --locked --quiet

demo: install ## Serve a made-up sample, without any database (PORT=5100)
	@PORT=$(PORT) $(BIN)/python -m demo

test: install ## Run every check: format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/pytest -n 2 --dist loadfile

format: install ## Format the code and apply lint fixes
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

sync: install ## Copy the database into the read model once (settings in .env)
	$(BIN)/python update_readmodel.py

serve: install ## Serve the read model (settings in .env)
	$(BIN)/python main.py

bench: install ## Measure speed and memory of everything (takes about an hour)
	$(UV) run --locked --group bench python -m benchmarks
	$(UV) run --locked --group bench python -m benchmarks.sync
	$(UV) run --locked --group bench python -m benchmarks.load
	$(UV) run --locked --group bench python -m benchmarks.layout
	$(UV) run --locked --group bench python -m benchmarks.attacks
	$(UV) run --locked --group bench python -m benchmarks.collector
	$(UV) run --locked --group bench python -m benchmarks.llm
	$(UV) run --locked --group bench python -m benchmarks.repositories
	$(UV) run --locked --group bench python -m benchmarks.questions

soak: install ## Kill the updater and overload the server for about ten minutes
	$(BIN)/python -m tests.faults.soak
	$(BIN)/pytest -m soak
