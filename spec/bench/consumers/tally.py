"""What every consumer of the benchmark does with a record: see tally.ts."""

import atexit
import sys

totals = [0, 0]


def count(data):
    totals[0] += 1
    totals[1] += len(data)


atexit.register(lambda: sys.stderr.write("%d records, %d bytes\n" % tuple(totals)))
