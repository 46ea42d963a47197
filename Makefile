# make demo   watch the main job run: simulated depot, real Modbus and MQTT sockets, alarms, page on 127.0.0.1:8080
# make test   prove it, with real servers where they are installed
# make bundle KEY=bundle-key.pem   everything for an installation without internet, signed (deploy/install.sh --bundle)
# make setup | lint | bench [ONLY=name] | chaos | cleanroom

PYTHON ?= python3
BIN := .venv/bin
BROKER_EXTRA := $(shell PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null 2>&1 || echo demo)
export PYTHON

.PHONY: setup demo test lint bench chaos bundle cleanroom clean

setup: .venv/.run

.venv/.run: pyproject.toml constraints.txt deploy/venv.sh
	@deploy/venv.sh "$(BROKER_EXTRA)"
	@touch $@

.venv/.test: pyproject.toml constraints.txt deploy/venv.sh
	@deploy/venv.sh "test,demo"
	@touch $@

.venv/.bench: pyproject.toml constraints.txt deploy/venv.sh
	@deploy/venv.sh "test,demo,bench"
	@touch $@

demo: .venv/.run
	@$(BIN)/davylamp demo $(ARGS)

test: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: .venv/.test
	$(BIN)/ruff check .

bench: .venv/.bench
	$(BIN)/python -m benchmarks $(ONLY)

chaos: .venv/.test
	$(BIN)/python -m pytest -m "power_cut or long" tests/chaos tests/alerting/test_crash.py $(ARGS)

bundle: .venv/.test
	@$(BIN)/python -m deploy.bundle --key "$(KEY)" $(TARGETS)

cleanroom: .venv/.test
	@tests/cleanroom/run.sh

clean:
	rm -rf .venv build *.egg-info .davylamp .ruff_cache .pytest_cache .hypothesis
