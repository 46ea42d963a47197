"""The only writes there are: one contact (coil, or holding register) of a relay, such as that of a siren or beacon.

A contact can be written only if the site file names it under `outputs` of its device, with exactly two contents:
released and driven. Its commands are made once, at the start; no other address and no other content can be said. Who
may drive it, and that a person has armed it, is decided above (gateway.annunciation). The write goes out on the line
that polls the device, in turn with the reads: one master per bus.

A device that takes the command and does not do it would leave people without a siren, so the contact is read back.
"""

from __future__ import annotations

from typing import Final

from pymodbus.pdu.bit_message import WriteSingleCoilRequest
from pymodbus.pdu.register_message import WriteSingleRegisterRequest

from drivers.modbus import faults
from drivers.modbus.config import FUNCTION, Contact, Device
from drivers.modbus.wire import Line, Request, reading, timing

_COIL: Final = {False: b"\x00\x00", True: b"\xff\x00"}


class ModbusOutput:
    """A gateway.model.ports.Output."""

    def __init__(self, device: Device, contact: Contact, line: Line):
        self.id = contact.id
        self._line, self._timing = line, timing(device, line)
        self._commands = {on: _command(device, contact, on) for on in (False, True)}
        self._question = reading(FUNCTION[contact.table], device.unit, device.wire_address(contact), 1)
        self._contents = {on: _contents(contact, on) for on in (False, True)}

    async def drive(self, on: bool) -> None:
        """Returns when the contact has been read back as `on`. SourceError: it has not, or nobody answered."""
        await self._line.ask(self._commands[on], **self._timing)
        found = (await self._line.ask(self._question, **self._timing)).payload
        if found != self._contents[on]:
            raise faults.not_done()


def _command(device: Device, contact: Contact, on: bool) -> Request:
    """FC 5 or FC 6. The answer must be the very echo of the command."""
    first = device.wire_address(contact)
    if contact.table == "coil":
        pdu, content = WriteSingleCoilRequest(dev_id=device.unit, address=first, bits=[on]), _COIL[on]
    else:
        value = contact.content(on)
        pdu, content = (WriteSingleRegisterRequest(dev_id=device.unit, address=first, registers=[value]),
                        value.to_bytes(2, "big"))
    return Request(pdu, device.unit, first.to_bytes(2, "big") + content, 0)


def _contents(contact: Contact, on: bool) -> bytes:
    """As a read of it gives them."""
    return bytes((on,)) if contact.table == "coil" else contact.content(on).to_bytes(2, "big")
