"""A storm of alarms, told to Davylamp and to a Prometheus Alertmanager: benchmarks/speed/storm.py runs it."""
