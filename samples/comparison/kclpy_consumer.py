"""A consumer on kclpy, written for KCL 1.x: kclpy_consumer.py throw|print|checkpoint|end"""

import sys

import kclpy

wrong = sys.argv[1]


class Consumer(kclpy.RecordProcessor):
    def process_record(self, data, partition_key, sequence_number):
        if wrong == "throw":
            raise ValueError("my code throws")
        if wrong == "print":
            print("null")
        return wrong == "checkpoint"


kclpy.start(Consumer())
