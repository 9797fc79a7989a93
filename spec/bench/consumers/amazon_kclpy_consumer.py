"""The official client for Python, as its own users write it."""

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor
from tally import count


class Processor(processor.RecordProcessorBase):
    def initialize(self, initialize_input):
        pass

    def process_records(self, process_records_input):
        for record in process_records_input.records:
            count(record.binary_data)

    def lease_lost(self, lease_lost_input):
        pass

    def shard_ended(self, shard_ended_input):
        pass

    def shutdown_requested(self, shutdown_requested_input):
        pass


kcl.KCLProcess(Processor()).run()
