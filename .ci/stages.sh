# Sourced by the scripts beside it: stages by name, with the seconds each takes.
# shellcheck shell=bash

work=$PWD/target/ci
maps=$work/maps
sinks=$work/sinks
rows=$work/rows
mkdir -p "$work"

# Each stage builds a thing once: what incremental builds keep for the next time would be 4 GB of disk.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}

# A trace of an error that a test expects is memory that no plan counts.
unset RUST_BACKTRACE

# The first command of README.md, in a block of shell, after a line that holds these words.
readme_command() {
    local command
    command=$(awk -v words="$1" '
        index($0, words) { found = 1 }
        found && /^```$/ && inside { exit }
        found && inside { print }
        found && /^```sh$/ { inside = 1 }
    ' README.md)
    if [[ -z $command ]]; then
        echo "README.md: expected a block of shell after \"$1\", found none" >&2
        return 1
    fi
    echo "\$ $command"
    bash -euo pipefail -c "$command"
}

# Whether ISA-L can be built here; where it cannot, that is said.
can_build_isal() {
    local tool
    for tool in autoconf automake libtoolize nasm; do
        if ! command -v "$tool" >/dev/null; then
            echo "feature isal: SKIPPED, no $tool"
            return 1
        fi
    done
}

# Functions of the caller's file, in their order.
all_stages() {
    awk '/^[a-z_]+\(\) \{$/ { sub(/\(\).*/, ""); print }' "$1"
}

run_stages() {
    local script=${BASH_SOURCE[1]} stage begun=$SECONDS at summary=()
    local stages=("$@")
    if ((${#stages[@]} == 0)); then mapfile -t stages < <(all_stages "$script"); fi
    for stage in "${stages[@]}"; do
        if ! declare -F "$stage" >/dev/null; then
            echo "$script: no stage $stage; there are: $(all_stages "$script" | paste -sd' ')" >&2
            return 2
        fi
    done
    for stage in "${stages[@]}"; do
        printf '\n=== %s\n' "$stage"
        at=$SECONDS
        # A subshell of its own keeps `set -e` alive, which a condition would switch off.
        (set -euo pipefail; "$stage") &
        if ! wait $!; then
            printf '\n=== %s FAILED after %d s\n' "$stage" $((SECONDS - at))
            return 1
        fi
        summary+=("$(printf '%-10s %5d s' "$stage" $((SECONDS - at)))")
    done
    printf '\n=== all stages passed\n'
    printf '%s\n' "${summary[@]}"
    printf '%-10s %5d s\n' total $((SECONDS - begun))
    if [[ -f $work/tests.txt && " ${stages[*]} " == *" tests "* ]]; then
        awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
            END { printf "tests: %d passed, %d failed, %d ignored\n", passed, failed, ignored }' \
            "$work/tests.txt"
    fi
}
