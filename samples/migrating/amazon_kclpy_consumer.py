"""The old program, on amazon_kclpy: it counts strong earthquakes, stores a position after each batch, and the end of the shard."""

import json
import sys

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Counter(processor.RecordProcessorBase):
    def initialize(self, initialize_input):
        self.strong = 0

    def process_records(self, process_records_input):
        records = process_records_input.records
        for record in records:
            magnitude = json.loads(record.binary_data)["magnitude"]
            if magnitude is not None and magnitude >= 4.5:
                self.strong += 1
        if records:
            last = records[-1]
            process_records_input.checkpointer.checkpoint(last.sequence_number, last.sub_sequence_number)

    def lease_lost(self, lease_lost_input):
        pass

    def shard_ended(self, shard_ended_input):
        print("strong: %d" % self.strong, file=sys.stderr)
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input):
        shutdown_requested_input.checkpointer.checkpoint()


kcl.KCLProcess(Counter()).run()
