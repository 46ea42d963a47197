"""`davylamp doctor`: is this machine fit to keep watch, and what to do where it is not.

A topic is a module: what it looks at (`facts`, from a Machine) and what it makes of that (`judge`, pure: findings).
Nothing is changed, and nothing of the running gateway is asked.
"""
