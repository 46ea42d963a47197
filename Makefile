# make demo   watch the main job run: simulated depot, real Modbus and MQTT sockets, alarms, page on 127.0.0.1:8080
# make test   prove it, with real servers where they are installed
# make bundle KEY=bundle-key.pem   everything for an installation without internet, signed (deploy/install.sh --bundle)
# make grafana `davylamp grafana provision` with the real grafana-client, in an environment of its own
# make setup | lint | bench [ONLY=name] | chaos | cleanroom | cleanroom-arm64 | cleanroom-central | fleetroom

PYTHON ?= python3
FAULTS ?= 500
BIN := .venv/bin
BROKER_EXTRA := $(shell PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null 2>&1 || echo demo)
export PYTHON

.PHONY: setup demo test lint bench chaos bundle cleanroom cleanroom-arm64 cleanroom-central fleetroom clean

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
	$(BIN)/python -m tests.chaos.campaign --faults $(FAULTS)

bundle: .venv/.test
	@$(BIN)/python -m deploy.bundle --key "$(KEY)" $(TARGETS)

cleanroom: .venv/.test
	@tests/cleanroom/run.sh

# grafana-client replaces urllib3 for everything beside it, so it never comes into .venv.
.venv-grafana/.done: pyproject.toml
	$(PYTHON) -m venv .venv-grafana
	.venv-grafana/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt ".[grafana]"
	@touch $@

grafana: .venv/.test .venv-grafana/.done
	DAVYLAMP_GRAFANA_PYTHON=$(CURDIR)/.venv-grafana/bin/python $(BIN)/python -m pytest tests/grafana/test_provision.py $(ARGS)

fleetroom: .venv/.test
	@tests/cleanroom/fleet.sh

cleanroom-arm64: .venv/.test
	@tests/cleanroom/arm64.sh

cleanroom-central: .venv/.test
	@tests/cleanroom/central.sh

clean:
	rm -rf .venv .venv-grafana build *.egg-info .davylamp .ruff_cache .pytest_cache .hypothesis
