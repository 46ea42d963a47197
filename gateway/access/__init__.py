"""Who may talk to the gateway, and what they may do: accounts, tokens, sessions, passwords, certificates.

    role, register, sessions, approvals, throttle, audit   pure: instants are arguments
    file, passwords, access                     the disk, the worker threads, the clock
    certificates, authority                     TLS of the page, and a certificate authority of one's own
"""
