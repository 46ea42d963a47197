"""Modbus in: TCP, RTU over a serial line, RTU over TCP. Reads only. See README.md in this folder."""
