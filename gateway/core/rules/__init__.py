"""Relations between signals: one file per kind of rule, all told by gateway.core.rules.watch."""
