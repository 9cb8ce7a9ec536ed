# Sourced by the other scripts: says what is being done and since when, in one line each.
# shellcheck shell=bash

: "${WWT_STARTED:=$(date +%s)}"
export WWT_STARTED

# say TEXT: a line with the seconds since the start
say() {
    printf '[%4d s] %s\n' "$(($(date +%s) - WWT_STARTED))" "$*"
}

# quietly NAME TEXT COMMAND...: run COMMAND with its output in build/logs/NAME.log.
# Says TEXT, a sign of life every 15 seconds, and the end of the log where it fails.
quietly() {
    local name=$1 text=$2 log began beat status=0
    shift 2
    mkdir -p build/logs
    log=build/logs/$name.log
    began=$(date +%s)
    say "$text"
    # The sleep gets none of our output: whoever reads it through a pipe would wait for the last sleep to end.
    (while sleep 15 3>&-; do say "$text: still at it" >&3; done) 3>&1 >/dev/null 2>&1 &
    beat=$!
    "$@" >"$log" 2>&1 </dev/null || status=$?
    kill "$beat" 2>/dev/null || true
    wait "$beat" 2>/dev/null || true
    if [ "$status" -eq 0 ]; then
        say "$text: done in $(($(date +%s) - began)) s"
    else
        tail -n 40 "$log" | sed 's/^/    /'
        say "$text: FAILED; all of it is in $log"
    fi
    return "$status"
}
