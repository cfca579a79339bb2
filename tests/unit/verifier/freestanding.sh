#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# usage: freestanding.sh LD NM OUT ARCHIVE...
# Links everything that the verifying functions need from the archives, and refuses any symbol that
# is left over but the ones listed here: the verifier has no heap, no threads, no files, no libc.
# base is not among the archives: whatever of it is used shows up. zk_panic is the one hook that a
# foreign environment has to bring (a caller's bug was found: it must not return).
# MORE_ROOTS: further functions to link, for the test of this test.
set -eu
ld=$1 nm=$2 out=$3
shift 3
allowed=' memcpy memset memmove zk_panic _GLOBAL_OFFSET_TABLE_ '
roots='job_verifier_open job_verifier_add job_verifier_finish bundle_parse bundle_contribution'
undefined=
for r in $roots poseidon_ops_scalar poseidon2_ops_scalar ${MORE_ROOTS:-}; do
    undefined="$undefined -u $r"
done
# shellcheck disable=SC2086
"$ld" -r $undefined -o "$out" --start-group "$@" --end-group
for r in $roots; do
    "$nm" --defined-only "$out" | grep -q " T $r\$" || { echo "$r is not there" >&2; exit 1; }
done
bad=0
for s in $("$nm" -u "$out" | sed 's/.* //'); do
    case $allowed in
    *" $s "*) ;;
    *) echo "the verifier needs $s" >&2; bad=1 ;;
    esac
done
exit $bad
