#!/bin/bash
# Works on the items of a Redis list until the queue is empty, then exits with 0.
#
# It keeps what ../../reference/fine/worker.py keeps, in the same way.

. ./queue.sh

# work ITEM: yours goes here. It fails by an exit code other than 0.
work() {
    sleep "${ITEM_SECONDS:-10}"
    ! [[ -v FAIL_ITEM && $1 == "$FAIL_ITEM" ]]
}

renew_until_lost() {
    while sleep "$third" && [[ $(ask "$RENEW") == 1 ]]; do :; done
}

# SIGTERM: let others have what was claimed. (Where the lease is over, this does nothing.)
stop() {
    ask "$BREAK_OFF" >/dev/null
    exit 143
}

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

attempt() {
    local work renewal ended status answer
    printf 'Working on %s\n' "$item"
    # Beside this shell: whatever the work does, the lease is renewed and SIGTERM is heard.
    work "$item" &
    work=$!
    renew_until_lost &
    renewal=$!
    wait -n -p ended "$work" "$renewal"
    status=$?
    # Others may have the item by now. Only the process's end surely ends the work.
    ((ended == work)) || fail "Lost the lease on $item"
    kill "$renewal"
    if ((status != 0)); then
        ask "$GIVE_BACK" >/dev/null
        fail "Failed $item: exit code $status"
    fi
    # First, so that who watches can tell that the report came after the work.
    printf 'Done %s\n' "$item"
    answer=$(ask "$COMPLETE") || exit 1
    # Others may have it. (Or the report arrived, and the answer got lost.)
    ((answer)) || printf 'Too late with %s\n' "$item"
}

# left: whether anything is ready or anybody has anything, at one and the same moment.
left() {
    local answer
    answer=$(ask "$LEFT") || exit 1
    ((answer))
}

third=$(awk "BEGIN { print $lease_seconds / 3 }")
trap stop TERM
echo "Worker with sessionID: $session"
while left; do
    if claim; then
        attempt
    else
        echo "Waiting for work" # others have it, and may yet lose it
        sleep 1 &
        wait $!
    fi
done
echo "Queue empty, exiting"
