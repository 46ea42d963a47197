"""The ground floor: the words every other part speaks. Standard library and numpy only, no I/O.

frame     samples in columns, read-only, stamped where the bytes arrived
quality   OPC UA style quality of one sample: good, uncertain or bad, each with its reason
clock     instants, the gateway's time line, and the judgement of the wall clock
signal    what is measured: signals, their limits, the areas they stand in
rules     relations between signals
alarm     alarm definitions and the table that numbers them
verdict   what the detectors say: a condition began or ended
site      all of the above for one site
ports     what a source, a sink or a notifier must offer, and what it is given
text      one sentence in every language of the product
errors    the error tree
"""
