"""The rooms of the API, one module each: what can be asked and commanded there, and its description."""
