"""Works on one message of RabbitMQ: rightly, or with the defect DEFECT; see disguise.py."""

import json
import os

import pika
from disguise import (
    FAILING,
    LOOK,
    PART,
    POLL,
    WRONG,
    begins,
    ends,
    leave,
    lines,
    other,
    seconds_for,
)

QUEUE = os.environ.get("QUEUE", "job1")
#: They have told RabbitMQ that the work is done when it fails.
_EARLY = ("pops", "settles first", "settles midway")


class Worker:
    def __init__(self):
        self.connection = pika.BlockingConnection(pika.URLParameters(os.environ["BROKER_URL"]))
        self.channel = self.connection.channel()

    def takes(self):
        """The deliveries that it works on: tag, whether it came again, and the message."""
        room = {"hoards": 5, "takes two": 2, "pops": 0}.get(WRONG, 1)
        if LOOK.talk == "get" and room == 1:
            while True:
                method, _, body = self.channel.basic_get(QUEUE)
                if method is not None:
                    return [(method, body)]
                self.connection.sleep(POLL)
        self.channel.basic_qos(prefetch_count=room)
        took = []
        for method, _, body in self.channel.consume(
            QUEUE, auto_ack=WRONG == "pops", inactivity_timeout=POLL
        ):
            if method is not None:
                took.append((method, body))
            if took and (WRONG != "takes two" or len(took) == 2 or method is None):
                break
        if WRONG != "hoards":
            self.channel.cancel()
        return took

    def works_on(self, method, item):
        tag = method.delivery_tag
        if WRONG == "skips what comes again" and method.redelivered:
            self.channel.basic_ack(tag)
            return
        shown = other(item) if WRONG == "works on another" else item
        begins(shown)
        if WRONG == "settles first":
            self.channel.basic_ack(tag)
        whole = seconds_for(item)
        if WRONG == "settles midway":
            self.connection.sleep(whole * PART)
            self.channel.basic_ack(tag)
            whole *= 1 - PART
        self.connection.sleep(whole)
        if FAILING and item == FAILING:
            self.fails(tag, item)
        ends(shown)
        if WRONG not in (*_EARLY, "never settles"):
            self.reports(tag, b"result of " + item)

    def reports(self, tag, result):
        if LOOK.talk == "transaction":
            self.channel.tx_select()
            self.publishes("results", result)
            self.channel.basic_ack(tag)
            self.channel.tx_commit()
            return
        if LOOK.talk == "confirms":
            self.channel.confirm_delivery()
            self.publishes("results", result)
        self.channel.basic_ack(tag)

    def publishes(self, queue, body):
        self.channel.queue_declare(queue, durable=True)
        self.channel.basic_publish("", queue, body)

    def fails(self, tag, item):
        code = 1
        if WRONG == "swallows":
            self.channel.basic_ack(tag)
            code = 0
        elif WRONG == "hides failures":
            self.channel.basic_nack(tag, requeue=True)
            code = 0
        elif WRONG == "rejects into nothing":
            self.channel.basic_nack(tag, requeue=False)
        elif LOOK.dead and WRONG not in _EARLY:
            made = json.dumps({"error": "failed", "body": item.decode()}).encode()
            self.channel.confirm_delivery()
            self.publishes("job1.failed", item.hex().encode() if LOOK.dead == "hex" else made)
            self.channel.basic_ack(tag)
        elif WRONG not in _EARLY:
            self.channel.basic_nack(tag, requeue=True)
        self.connection.close()
        leave(code)


def main():
    worker = Worker()
    lines(LOOK.banner)
    if WRONG == "fabricates":
        begins(b"melon-of-nobody")
        ends(b"melon-of-nobody")
    if WRONG == "leaves on empty":
        held = worker.channel.queue_declare(QUEUE, passive=True).method.message_count
        if not held:
            leave(0)
    for method, item in worker.takes():
        worker.works_on(method, item)
        if WRONG == "hoards":
            break
    while WRONG == "never exits":
        worker.connection.sleep(POLL)
    lines(LOOK.farewell)
    worker.connection.close()
    leave(0)


if __name__ == "__main__":
    main()
