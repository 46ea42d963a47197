"""Replay and back-test: recorded samples through the same bank and the same alarm engine, by another clock.

    run         frames in, transitions out: the pure core
    count       what the alarms of a run come to: counts, floods, events caught; two runs side by side
    explain     why an alarm stood, or not, at one instant
    table       recordings and events from CSV
    words       all of it as text and as JSON
    commands    `davylamp replay`, `backtest`, `explain`
"""
