#!/bin/sh
# One step of a CI: `queuejob gate`, with what its user has set as variables. action.yml and
# ci/gitlab.yml both call it. What is empty is left out.
set -euf
set -- -- ${QUEUEJOB_CHECK_OPTIONS:-}
[ -z "${QUEUEJOB_BASELINE:-}" ] || set -- --baseline "$QUEUEJOB_BASELINE" "$@"
[ -z "${QUEUEJOB_DIGEST:-}" ] || set -- --digest "$QUEUEJOB_DIGEST" "$@"
[ -z "${QUEUEJOB_REPORTS:-}" ] || set -- --reports "$QUEUEJOB_REPORTS" "$@"
[ -z "${QUEUEJOB_PROFILE:-}" ] || set -- --profile "$QUEUEJOB_PROFILE" "$@"
[ -z "${QUEUEJOB_JOB:-}" ] || set -- --job "$QUEUEJOB_JOB" "$@"
exec queuejob gate --image "${QUEUEJOB_IMAGE:?the image to be tested}" \
    --pattern "${QUEUEJOB_PATTERN:?coarse or fine}" "$@"
