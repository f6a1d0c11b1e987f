#!/bin/sh
# Runs the engine's tests with address and undefined-behaviour checks: native/sanitize.sh [python]
set -eu
python=${1:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/sanitize
cmake -S "$root" -B "$out/build" -DCHAINRULE_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug > "$out.log" 2>&1 || { cat "$out.log"; exit 1; }
cmake --build "$out/build" >> "$out.log" 2>&1 || { cat "$out.log"; exit 1; }
rm -rf "$out/src" && cp -R "$root/src" "$out/src" && rm -rf "$out/src/chainrule/engines/_native"
cmake --install "$out/build" --prefix "$out/src" >> "$out.log"
# Python itself never gives back some of its memory, so leaks are not looked for; forking makes the checker of threads confused.
for isa in baseline avx2; do
  echo "$isa"
  LD_PRELOAD="$(c++ -print-file-name=libasan.so) $(c++ -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
    UBSAN_OPTIONS=print_stacktrace=1 CHAINRULE_ISA=$isa PYTHONPATH="$out/src" \
    "$python" -m pytest -q -p no:cacheprovider -k "not forked" "$root/tests/engines"
done
