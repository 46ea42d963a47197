"""A simulated site over real sockets: the plant, its instruments, its devices, and a script of faults.

An independent witness: imports nothing else of this project, so that what it says on the wire is not what we wish
to hear.

    layout     what stands where (sites/*.toml): detectors, valves, machines, register maps, topics
    plant      physics: leak, plume, detectors, valves, pumps, tank, and a simulated certified system
    faults     what can go wrong, one function each
    scenario   the script: when what goes wrong, and the words told about it (scenarios/*.toml)
    world      the plant, its devices and the script, advanced step by step; no sockets
    flat       a world of plain registers for benchmarks
    modbus_device, modbus_server   register images and answers; TCP, RTU-over-TCP and pseudo-terminal
    mqtt_device, mqtt_client       topics and payloads; a publisher that can lose its connection on command
    station    opens the sockets of a world and keeps it moving in real time
"""
