#!/bin/bash
# The work on one message, which comes on standard input: yours goes here. It fails by an exit code
# other than 0; then the message is not acknowledged.

# With a dot, for the shell cuts line breaks off an answer's end. It holds all bytes but NUL.
item=$(cat && printf .)
item=${item%.}

printf 'Processing %s\n' "$item"
sleep "${ITEM_SECONDS:-10}"
if [[ -v FAIL_ITEM && $item == "$FAIL_ITEM" ]]; then
    printf 'Failed %s\n' "$item" >&2
    exit 1
fi
printf 'Done %s\n' "$item"
: >"$SIGN"
