"""kclpy, as its own users write it: like ours it would checkpoint once a minute."""

import kclpy
from tally import count


class Processor(kclpy.RecordProcessor):
    def initialize(self, shard_id):
        pass

    def process_record(self, data, partition_key, sequence_number):
        count(data)


kclpy.start(Processor())
