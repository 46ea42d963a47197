"""Many gateways and one centre: what each reports by MQTT, and the list of them all."""
