"""`davylamp report`: what a regulator reads of a week, a month, a quarter or a year, in one HTML file.

A source gives rows (the data folder, or InfluxDB), `gather` makes facts of them, `judge` says what is wrong, `sections`
put both into words, tables and pictures, `page` prints them.
"""
