# Own Words. `make run` and `make test` are all a newcomer needs; README.md explains the rest.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast check lock web worker bot actions train pictures
.NOTPARALLEL:

export OMP_NUM_THREADS ?= 1
OWNWORDS := .venv/bin/ownwords

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

environments:
	@requirements/environments.sh app bot
.PHONY: environments

setup: environments ## make both environments, train the assistant, make the database
	@$(OWNWORDS) setup

run: environments ## do all of that and start everything; Ctrl-C stops it
	@exec $(OWNWORDS) run

web: ## only the web pages and the gateway
	@exec $(OWNWORDS) web

worker: ## only the background jobs
	@exec $(OWNWORDS) worker

bot: ## only the assistant
	@exec .venv-bot/bin/python -m bot.run bot

actions: ## only the assistant's actions
	@exec .venv-bot/bin/python -m bot.run actions

train: environments ## train the assistant if its files changed
	@.venv-bot/bin/python -m bot.train

test: ## all tests, as .ci/run runs them
	@tests/run all

test-fast: ## the unit tests alone
	@tests/run fast

check: ## formatting, linting, types
	@tests/run check

lock: ## write the lock files anew
	@requirements/lock.sh

pictures: ## make README's pictures from the running system
	@.venv/bin/python -m tests.end_to_end.pictures
