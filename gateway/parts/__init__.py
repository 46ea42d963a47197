"""The parts of a running gateway, and how each is built, in the order in which they need each other.

    people        who is called, and by which ways out
    chain         from a frame to an alarm on disk: clock, store, bank, alarm service, pipeline
    field         the drivers of the field's buses; sirens and beacons
    databases     minutes and rows for years, and what is sent to databases
    vigil         who watches all that: own faults, heartbeats, self-test, drills, proof tests due
    parts         all of them: what a running gateway is
    page          what page and API see of them
    self_report   what the gateway tells of itself: to databases, to a centre, to systemd

A part that has to be closed says so to the `closing` it is built with, which closes in the reverse order. Nothing here
runs by itself: the tasks stand in gateway.app.
"""
