"""Takes exactly one message from RabbitMQ, works on it, acknowledges it and exits with 0.

What it keeps, and careless workers break:

  - Exit code 0 says that one message, no more and no less, was worked on and then acknowledged.
    While the queue is empty it waits: no message, no success.
  - A worker that dies or is cut off leaves its message to another: the broker gives it out again.
  - The connection stays alive while the work goes on, for heartbeats do. (A message kept for 30
    minutes the broker takes back all the same: for longer work raise its `consumer_timeout`.)
  - Failed work and SIGTERM give the message back, and then the exit code is not 0.

A classic queue counts no attempts and puts the message back where it was: there a failing one is
tried until the Job has had enough failures (`backoffLimit`), and it is still in the queue then. To
set it aside after a few attempts make it a quorum queue with `x-delivery-limit` and
`x-dead-letter-exchange`: that needs no other worker. (The Job then waits for one success that is
not to come: a message that nobody can work on is no completion.)

A worker killed after the acknowledgement and before its exit leaves the Job waiting, too: with one
message per completion nothing inside a pod can prevent that.
"""

import contextlib
import hashlib
import os
import signal
import sys
import threading
import time

import pika
from pika.exceptions import AMQPError

ITEM_SECONDS = float(os.environ.get("ITEM_SECONDS", "10"))
FAIL_ITEM = os.environb.get(b"FAIL_ITEM")
#: Whether it tells which bytes it works on, for those who watch it.
TELL_DIGEST = bool(os.environ.get("TELL_DIGEST"))
#: How soon SIGTERM and the end of the work are noticed.
POLL_SECONDS = 0.5
STOPPED = 128 + signal.SIGTERM

#: The signals that have come.
signals = []


def work(item):
    """The work on one message (bytes): yours goes here. It fails by raising."""
    if TELL_DIGEST:
        print(f"sha256 {hashlib.sha256(item).hexdigest()}")
    time.sleep(ITEM_SECONDS)
    if item == FAIL_ITEM:
        raise ValueError("this item cannot be worked on")


def take(channel, queue):
    """Wait for a message: its delivery tag and its bytes."""
    channel.basic_qos(prefetch_count=1)
    for delivery, _, item in channel.consume(queue, inactivity_timeout=POLL_SECONDS):
        if delivery is not None:
            # No longer a consumer: nothing comes in after the acknowledgement.
            channel.cancel()
            return delivery.delivery_tag, item
        if signals:
            sys.exit(STOPPED)
    sys.exit(f"The queue {queue} is gone")


def attempt(connection, item):
    """Work on a message, its connection alive: None when it is done, else why it is not."""
    outcome = []

    def run():
        try:
            work(item)
            outcome.append(None)
        except BaseException as error:
            outcome.append(f"Failed {text(item)}: {error!r}")

    # In a thread: whatever the work does, heartbeats are sent and SIGTERM is heard.
    threading.Thread(target=run, daemon=True).start()
    while not outcome:
        if signals:
            return STOPPED
        connection.process_data_events(time_limit=POLL_SECONDS)
    return outcome[0]


def process_one(connection, queue):
    """Take one message and work on it; exits with an error unless it is done and acknowledged."""
    channel = connection.channel()
    tag, item = take(channel, queue)
    print(f"Processing {text(item)}")
    failure = attempt(connection, item)
    if failure is None:
        # First, so that who watches can tell that the acknowledgement came after the work.
        print(f"Done {text(item)}")
        channel.basic_ack(tag)
    else:
        channel.basic_nack(tag, requeue=True)
    # Neither has an answer, but this has: it comes after the broker has taken them, and raises
    # if it would not.
    channel.close()
    if failure is not None:
        sys.exit(failure)


def text(item):
    """A message as it is printed."""
    return item.decode(errors="backslashreplace")


def main():
    """The program; its settings come from the environment."""
    sys.stdout.reconfigure(line_buffering=True)  # or the last lines die with the process
    signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    parameters = pika.URLParameters(os.environ["BROKER_URL"])
    parameters.connection_attempts, parameters.retry_delay = 5, 3
    try:
        connection = pika.BlockingConnection(parameters)
        process_one(connection, os.environ.get("QUEUE", "job1"))
    except (AMQPError, OSError) as error:
        sys.exit(f"RabbitMQ: {error!r}")
    with contextlib.suppress(
        AMQPError, OSError
    ):  # the message is dealt with: nothing depends on it
        connection.close()


if __name__ == "__main__":
    main()
