# Two commands matter: `make run` and `make test`. Both work in a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help run test check e2e lock bench

help: ## Print this
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install what is missing and serve at http://127.0.0.1:8000 (PORT=, HOST= change it)
	@bin/run

test: ## Everything that CI runs; one test: bin/test tests/chat/test_sending.py, or unit -k sending
	@bin/test

check: ## Lint, types, import arrows, templates, migrations, deploy checks, locks
	@bin/test check

e2e: ## The browser journeys only
	@bin/test e2e

lock: ## Compile requirements*.txt from requirements*.in, with hashes
	@bin/lock

bench: ## Measure latency, throughput and memory
	@bin/bench
