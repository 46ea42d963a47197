"""Replay and back-test: recorded samples through the same bank and the same alarm engine, by another clock.

    run         frames in, transitions out: the pure core
    count       what the alarms of a run come to: counts, floods, events caught; two runs side by side
    explain     why an alarm stood, or not, at one instant
    settings    what the site file says of an alarm, in sentences
    reasons     what the bank knew at an instant, in sentences
    table       recordings and events from CSV
    ..._words   what each of them found, as text and as JSON; words: what they share
    commands    `davylamp replay`, `backtest`, `explain`
"""
