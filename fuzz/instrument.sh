#!/bin/sh
# Stands in for rustc (RUSTC_WORKSPACE_WRAPPER): compiles the workspace's crates so that libFuzzer sees which ways an input takes through
# them. All other crates stay as for any test, so nobody has to build them twice.
case "$*" in
*'--crate-name build_script_build'*) exec "$@" ;; # runs without libFuzzer
esac
exec "$@" -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
