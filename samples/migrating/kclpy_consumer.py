"""The old program, on kclpy: the same with a handler for each record; a position would be stored once a minute."""

import atexit
import json
import sys

import kclpy


class Counter(kclpy.RecordProcessor):
    strong = 0

    def process_record(self, data, partition_key, sequence_number):
        magnitude = json.loads(data)["magnitude"]
        if magnitude is not None and magnitude >= 4.5:
            self.strong += 1


counter = Counter()
atexit.register(lambda: print("strong: %d" % counter.strong, file=sys.stderr))
kclpy.start(counter)
