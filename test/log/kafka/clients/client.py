"""librdkafka as a judge: reads and writes topics as any Python program would. client.py <command> <address> <JSON>"""
import base64
import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

command, address, parameters = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def create(topic, partitions=1, config={}):
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config)
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([new])[topic].result()


def check(error, _message):
    if error is not None:
        raise RuntimeError(error)


def produce(topic, records, config={}):
    """Records as objects: value, key, headers (null: none), partition, timestamp."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 20, **config})
    for record in records:
        producer.produce(topic, on_delivery=check, **record)
        producer.poll(0)
    producer.flush()


def many(topic, prefix, count, config={}, size=0):
    """`<prefix>-<i>`, padded to `size`."""
    produce(topic, [{"value": f"{prefix}-{i}".ljust(size, ".")} for i in range(count)], config)


def transactions(topic, steps):
    """Each step is a transaction: id, prefix, count, size, end: commit, abort, or open (left to the next one)."""
    producers = {}
    for step in steps:
        producer = producers.get(step["id"])
        if producer is None:
            producer = Producer({
                "bootstrap.servers": address, "transactional.id": step["id"], "linger.ms": 5,
                "batch.num.messages": step.get("batch", 10000),
            })
            producer.init_transactions(30)
            producers[step["id"]] = producer
        if not step.get("goesOn"):
            producer.begin_transaction()
        for i in range(step["count"]):
            value = f"{step['prefix']}-{i}".ljust(step.get("size", 0), ".")
            while True:
                try:
                    producer.produce(topic, value=value, on_delivery=check)
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.flush()
        if step["end"] == "commit":
            producer.commit_transaction(60)
        elif step["end"] == "abort":
            producer.abort_transaction(60)


def consume(topic):
    """All committed records: a JSON array each, values in base64."""
    consumer = Consumer({
        "bootstrap.servers": address, "group.id": "judge", "isolation.level": "read_committed",
        "enable.partition.eof": True, "auto.offset.reset": "earliest", "check.crcs": True,
        "enable.auto.commit": False,
    })
    partitions = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    left = len(partitions)
    while left > 0:
        message = consumer.poll(30)
        if message is None:
            raise RuntimeError("nothing comes")
        if message.error():
            left -= 1
            continue
        value, key = message.value(), message.key()
        print(json.dumps([
            message.partition(), message.offset(), message.timestamp()[1],
            None if key is None else key.decode(),
            None if value is None else base64.b64encode(value).decode(),
        ]))
    consumer.close()


globals()[command](**parameters)
