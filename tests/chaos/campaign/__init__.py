"""The fault campaign: a gateway between a field, a broker, a database and a receiver, while everything goes wrong.

    witness   beside the gateway, in a network namespace of its own; writes down what it has made happen and what it got
    wire      the witness on the line between broker and gateway: what was acknowledged
    lamp      `davylamp run` with a wall clock that the campaign can set
    stage     namespaces, the disk on a loop device, the processes, a supervisor like systemd
    faults    what is done to them
    verdict   what the witness wrote down against what is in the store and the database

`python -m tests.chaos.campaign --faults 500 --seed 1`, as root. Nothing here leaves the namespaces that it makes.
"""
