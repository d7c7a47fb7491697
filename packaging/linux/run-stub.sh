#!/bin/sh
# Installs Gliascope @VERSION@ for the user who starts this file; nobody has to be root.
# What follows the last line of this script is the program, as a tar archive packed by gzip.
set -eu

version='@VERSION@'
payload_line=@PAYLOAD_LINE@
payload_bytes=@PAYLOAD_BYTES@
payload_sha256=@PAYLOAD_SHA256@
installed_kib=@INSTALLED_KIB@
glibc=@GLIBC@

data_home=${XDG_DATA_HOME:-$HOME/.local/share}
target=$HOME/.local/opt/gliascope
action=install
mark=.gliascope-installed
list=.gliascope-files
if [ "$payload_line" -eq 0 ]; then  # as uninstall.sh inside the program's folder
    action=uninstall
    target=$(cd -- "$(dirname -- "$0")" && pwd)
fi

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$@" >&2; exit 1; }

usage() {
    cat <<TEXT
Gliascope $version, for research use. Not a medical device.

  sh $(basename -- "$0")                   install for this user, or upgrade
  --target DIR      install into DIR instead of ~/.local/opt/gliascope
  --extract-only    unpack into --target DIR, without menu entry or command
  --uninstall       remove the program (of --target DIR); your data stay
  --check           only check that this file is whole
  --help            this text

The command is linked as ~/.local/bin/gliascope. Your settings and results are never touched.
TEXT
}

while [ $# -gt 0 ]; do
    case $1 in
        --target)
            [ $# -ge 2 ] || fail "--target needs a folder."
            target=$2
            shift
            ;;
        --target=*) target=${1#--target=} ;;
        --extract-only) action=extract ;;
        --uninstall) action=uninstall ;;
        --check) action=check ;;
        -h | --help) usage; exit 0 ;;
        *) fail "Unknown option: $1" "Try --help." ;;
    esac
    shift
done
[ "$payload_line" -gt 0 ] || [ "$action" = uninstall ] ||
    fail "This file only removes the program." "$0" "Take the .run file to install."
case $target in
    /*) ;;
    '') fail "--target needs a folder." ;;
    *) target=$PWD/$target ;;
esac
while [ "$target" != "${target%/}" ]; do target=${target%/}; done
case $target in
    *"
"*) fail "The folder's name has a line break." "$target" "Choose another one with --target." ;;
esac
launcher=$HOME/.local/bin/gliascope
desktop=$data_home/applications/gliascope.desktop

check_payload() {
    found=$(tail -n "+$payload_line" -- "$0" | sha256sum | cut -d ' ' -f 1)
    [ "$found" = "$payload_sha256" ] || fail "This file is damaged or incomplete." \
        "$0: SHA-256 is $found, not $payload_sha256" "Copy or download it again."
}

check_machine() {
    [ "$(uname -s)-$(uname -m)" = "Linux-x86_64" ] || fail \
        "Gliascope cannot run on this computer." "$(uname -s) $(uname -m)" \
        "It needs Linux on a 64-bit Intel or AMD processor."
    found=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d ' ' -f 2)
    [ "$(printf '%s\n' "$glibc" "${found:-0}" | sort -V | head -n 1)" = "$glibc" ] || fail \
        "This Linux is too old for Gliascope, or of another kind." \
        "GNU C library: ${found:-none found}; $glibc or later is needed" \
        "Ubuntu 22.04 has 2.35, Debian 12 has 2.36, Ubuntu 24.04 has 2.39."
}

check_target() {
    if [ -d "$target" ] && [ ! -e "$target/$mark" ] && [ -n "$(ls -A -- "$target")" ]; then
        fail "The folder holds something else." "$target" "Choose an empty one with --target."
    elif [ -e "$target" ] && [ ! -d "$target" ]; then
        fail "There is a file of this name." "$target" "Choose another one with --target."
    fi
}

# The folder by the name that its own uninstaller finds: no links and no ".." in it.
resolve_target() {
    if [ -d "$target" ]; then
        target=$(cd -- "$target" && pwd -P)
    else
        target=$(cd -- "${target%/*}/" && pwd -P)/${target##*/}
    fi
}

check_not_running() {
    [ -d "$target" ] || return 0
    resolve_target
    for process in /proc/[0-9]*; do
        program=$(readlink -- "$process/exe" 2>/dev/null) || continue
        [ "$program" != "$target/gliascope" ] || fail "Gliascope is running." \
            "process ${process#/proc/}" "Close it, then run this file again."
    done
}

check_room() {
    parent=$(dirname -- "$target")
    mkdir -p -- "$parent" || fail "The folder cannot be made." "$parent" "Choose another one."
    # Not by counting columns: a share's name may have blanks.
    free_kib=$(df -k --output=avail -- "$parent" | tail -n 1 | tr -d ' ')
    [ "$free_kib" -gt "$installed_kib" ] || fail "There is too little room on the disk." \
        "$parent: $((free_kib / 1024)) MB are free, $((installed_kib / 1024)) MB are needed" \
        "Make room, or choose another disk with --target."
}

# Removes what was installed there and nothing else; tells of files that somebody added.
remove_files() {
    (cd -- "$1" && tr '\n' '\0' < "$list" | xargs -0 rm -f -- && rm -f -- "$list" "$mark" &&
        find . -depth -mindepth 1 -type d -exec rmdir --ignore-fail-on-non-empty -- {} +)
    if ! rmdir -- "$1" 2>/dev/null; then
        kept=$target.kept-$(date +%Y%m%d-%H%M%S)
        mv -- "$1" "$kept"
        say "Files that are not the program's were kept: $kept"
    fi
}

unpack() {
    fresh=$target.new-$$
    trap 'rm -rf -- "$fresh"' EXIT
    trap 'exit 130' HUP INT TERM
    mkdir -p -- "$fresh"
    say "Unpacking Gliascope $version into $target"
    tail -n "+$payload_line" -- "$0" | gzip -dc | tar -xf - -C "$fresh" --no-same-owner
    head -n "$((payload_line - 1))" -- "$0" | sed 's/^payload_line=.*/payload_line=0/' \
        > "$fresh/uninstall.sh"
    chmod 755 "$fresh/uninstall.sh"
    printf '%s\n' "$version" > "$fresh/$mark"
    "$fresh/gliascope" --version > /dev/null || fail "The program does not start here." \
        "$fresh/gliascope --version" "See above; what was installed before is unchanged."
    old=
    if [ -e "$target/$mark" ]; then
        old=$target.old-$$
        mv -- "$target" "$old"
    elif [ -d "$target" ]; then
        rmdir -- "$target"
    fi
    if ! mv -- "$fresh" "$target"; then
        [ -z "$old" ] || mv -- "$old" "$target"
        fail "The program could not be put in place." "$target" "What was there before is back."
    fi
    trap - EXIT HUP INT TERM
    [ -z "$old" ] || remove_files "$old"
}

# A path as the value of Exec: quoted once for the entry's arguments, once for its strings.
# https://specifications.freedesktop.org/desktop-entry-spec/latest/exec-variables.html
exec_quoted() {
    printf '"%s"' "$(printf '%s' "$1" |
        sed -e 's/[\\"`$]/\\&/g' -e 's/\\/\\\\/g' -e 's/%/%%/g')"
}

exec_line() { printf 'Exec=%s open %%f' "$(exec_quoted "$target/gliascope")"; }

refresh_menus() {
    for tool in "update-desktop-database $data_home/applications" \
        "update-mime-database $data_home/mime"; do
        program=${tool%% *}
        command -v "$program" > /dev/null 2>&1 && "$program" "${tool#* }" > /dev/null 2>&1 || :
    done
}

add_to_menus() {
    share=$target/share
    mkdir -p -- "$data_home/applications" "$data_home/mime/packages" "${launcher%/*}"
    (cd -- "$share/icons" && find . -type f) | while read -r icon; do
        mkdir -p -- "$data_home/icons/$(dirname -- "$icon")"
        cp -f -- "$share/icons/$icon" "$data_home/icons/$icon"
    done
    cp -f -- "$share/mime/gliascope.xml" "$data_home/mime/packages/gliascope.xml"
    exec_line=$(exec_line)
    while IFS= read -r line; do
        case $line in
            Exec=*) printf '%s\n' "$exec_line" ;;
            TryExec=*) ;;
            *) printf '%s\n' "$line" ;;
        esac
    done < "$share/gliascope.desktop" > "$desktop.new"
    mv -f -- "$desktop.new" "$desktop"
    if [ -e "$launcher" ] && [ ! -L "$launcher" ]; then
        say "Left alone, since it is not a link: $launcher"
        launcher=$target/gliascope
    else
        ln -sfn -- "$target/gliascope" "$launcher"
    fi
    refresh_menus
}

remove_from_menus() {
    rm -f -- "$desktop" "$data_home/mime/packages/gliascope.xml"
    (cd -- "$target/share/icons" && find . -type f) | while read -r icon; do
        rm -f -- "$data_home/icons/$icon"
    done
    refresh_menus
}

case $action in
    check)
        check_payload
        say "This file is whole: Gliascope $version, $payload_bytes bytes."
        ;;
    uninstall)
        [ -e "$target/$mark" ] || fail "Gliascope is not installed there." "$target" \
            "Name the right folder with --target."
        check_not_running
        # Both may belong to another installation by now, or to the user.
        if [ ! -e "$desktop" ] || grep -Fxqe "$(exec_line)" -- "$desktop"; then
            remove_from_menus
        fi
        if [ -L "$launcher" ] && [ "$(readlink -f -- "$launcher")" = "$target/gliascope" ]; then
            rm -f -- "$launcher"
        fi
        remove_files "$target"
        say "Gliascope was removed. Your settings stay in $data_home/gliascope"
        ;;
    *)
        check_machine
        check_payload
        check_target
        check_not_running
        check_room
        resolve_target
        unpack
        if [ "$action" = install ]; then
            add_to_menus
            say "Done. Start it from the menu, or with: $launcher"
        else
            say "Done: $target/gliascope"
        fi
        ;;
esac
exit 0
