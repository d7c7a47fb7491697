#!/bin/sh
# As preinst and as prerm: the program loads its parts while it runs, also for a batch at night, and
# they must not be exchanged below it. dpkg then leaves everything as it was.
# GLIASCOPE_EVEN_IF_RUNNING=1 does it all the same.
set -e

case ${0##*[./]}-${1-} in
    preinst-upgrade | prerm-remove) ;;
    *) exit 0 ;;
esac
[ "${GLIASCOPE_EVEN_IF_RUNNING-}" != 1 ] || exit 0
for process in /proc/[0-9]*; do
    program=$(readlink -- "$process/exe") || continue
    if [ "$program" = "@PROGRAM@" ]; then
        printf '%s\n' "Gliascope is running." "process ${process#/proc/}" \
            "Close it, then do this again." >&2
        exit 1
    fi
done
