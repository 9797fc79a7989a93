"""A consumer on amazon_kclpy that does one thing wrong: amazon_kclpy_consumer.py throw|print|refused|end"""

import sys

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor

wrong = sys.argv[1]


class Consumer(processor.RecordProcessorBase):
    def initialize(self, initialize_input):
        pass

    def process_records(self, process_records_input):
        if wrong == "throw":
            raise ValueError("my code throws")
        if wrong == "print":
            print("null")
        if wrong == "refused" and process_records_input.records:
            try:
                process_records_input.checkpointer.checkpoint()
            except kcl.CheckpointError as error:
                print("an exception: %s" % error.value, file=sys.stderr)

    def lease_lost(self, lease_lost_input):
        pass

    def shard_ended(self, shard_ended_input):
        if wrong != "end":
            shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input):
        pass


kcl.KCLProcess(Consumer()).run()
