"""A gateway in one file: its configuration and its state, sealed with a passphrase; and a new box made of it."""
