#!/bin/bash
# Takes exactly one message from RabbitMQ, works on it, acknowledges it and exits with 0.
#
# amqp-consume acknowledges a message when its command has succeeded, but exits with 0 in any case:
# so the command leaves a sign. Without it, or when the acknowledgement cannot be sent, this fails;
# the message is another's then, for it goes back to the queue with the connection.

SIGN=$(mktemp -u) # only a name: the file is the sign
export SIGN

# SIGTERM: without amqp-consume the connection ends, and with this process the work.
stop() {
    kill "$consumer"
    wait "$consumer"
    exit 143
}
trap stop TERM

# One message at a time: all others stay with the broker, for other pods. (After the acknowledgement
# it sends one more, which amqp-consume does not look at: that goes back with the connection.)
amqp-consume --url="$BROKER_URL" --queue="${QUEUE:-job1}" --count=1 --prefetch-count=1 ./work.sh &
consumer=$!

# Once the work is done only the broker's answers are left. Where none comes, somebody else has to
# come: amqp-consume would wait for ever on a connection that is gone.
give_up() {
    until [[ -e $SIGN ]]; do sleep 1; done
    sleep 30
    kill "$consumer"
}
give_up &
waiting=$!
trap 'kill "$waiting" 2>/dev/null' EXIT

wait "$consumer" || exit
[[ -e $SIGN ]]
