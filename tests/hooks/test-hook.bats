#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; "owner_in" and the like are of helper.bash

load helper

unreadable() {
  echo "VPS web1: its lock file $LOCK cannot be read; restart vps-backupd, or remove that file if no backup" \
    "of this VPS is being created or restored, then start it again."
}

@test "no lock: no folder, an empty one, and other files in it" {
  expect_allowed
  mkdir -p "$STATE/locks"
  expect_allowed
  echo "swap op" >"$STATE/locks/$OTHER"
  echo "swap op" >"$STATE/locks/.$VPS.new"
  expect_allowed
}

@test "a live owner: refused with the words of the protocol" {
  own create
  expect_refused "$CREATED"
  kill_owner
  own restore
  expect_refused "$RESTORED"
  tell swap
  expect_refused "$RESTORED"
  tell release
  expect_allowed
}

@test "a dead owner: refused only when a swap is half done" {
  for word in create restore; do
    own "$word"
    kill_owner
    [ -f "$LOCK" ]
    expect_allowed
  done
  own swap
  kill_owner
  expect_refused "$RESTORED"
}

@test "every other phase passes, whatever the lock" {
  own restore
  while read -r phase; do
    # shellcheck disable=SC2086
    xml web1 "$VPS" | expect 0 '' web1 $phase
  done <<'PHASES'
prepare end -
prepare beginning -
start begin -
started begin -
stopped end -
stopped end shutdown
release end -
migrate begin -
restore begin -
reconnect begin -
attach begin -
unknown begin -
begin prepare -
prepare
PHASES
  expect 0 '' </dev/null web1
  expect 0 '' </dev/null ''
  kill_owner
  leave ''
  xml web1 "$VPS" | expect 0 '' web1 reconnect begin -
  xml web1 "$VPS" | expect 0 '' web1 migrate begin -
}

@test "every other phase passes without waiting for the XML" {
  own restore
  mkfifo "$BATS_TEST_TMPDIR/silent"
  for phase in reconnect migrate started; do
    timeout 30 "$HOOK" web1 "$phase" begin - <>"$BATS_TEST_TMPDIR/silent"
  done
}

@test "a garbled lock is refused with what to do, owner alive or dead" {
  for line in '' '\n' 'create' 'swap \n' 'restore\n' 'Swap op\n' 'swapped op\n' 'op swap\n' '\001\377\000\n' '\nswap op\n' '* *\n'; do
    leave "$line"
    expect_refused "$(unreadable)"
    exec 8<"$LOCK"
    flock --exclusive 8
    expect_refused "$(unreadable)"
    exec 8<&-
  done
}

@test "a line without its end, with more words or more lines after it, is good" {
  for line in 'swap op' 'swap op more words\n' '  swap\top\n' 'swap op\nnext line\n'; do
    leave "$line"
    expect_refused "$RESTORED"
  done
  leave 'create op\nswap op\n'
  expect_allowed
}

@test "a lock that cannot be read is refused with what to do" {
  mkdir -p "$LOCK"
  expect_refused "$(unreadable)"
  rmdir "$LOCK"
  ln -s /nowhere "$LOCK"
  expect_refused "$(unreadable)"
  rm "$LOCK"
  mkfifo "$LOCK"
  expect_refused "$(unreadable)"
  rm "$LOCK"
  ln -s "$VPS" "$LOCK" # leads to itself
  expect_refused "$(unreadable)"
}

@test "a lock that may not be opened is refused with what to do" {
  leave 'create op\n'
  chmod 600 "$LOCK"
  install -m 755 "$HOOK" /run/hook # where another user may read it
  run --separate-stderr setpriv --reuid nobody --clear-groups /run/hook web1 prepare begin - < <(xml web1 "$VPS")
  [ "$status" -eq 1 ]
  [ -z "$output" ]
  [ "$stderr" = "$(unreadable)" ]
}

@test "a symlink to a good lock counts as that lock" {
  own restore
  mv "$LOCK" "$STATE/elsewhere"
  ln -s "$STATE/elsewhere" "$LOCK"
  expect_refused "$RESTORED"
  kill_owner
  expect_allowed
}

@test "the lock folder is something else: refused" {
  local words="VPS web1: $STATE/locks is not a folder, so it cannot be told whether a backup is being created or restored;\
 restart vps-backupd, or correct $SETTINGS, then start it again."
  echo >"$STATE/locks"
  expect_refused "$words"
  rm "$STATE/locks"
  ln -s /nowhere "$STATE/locks"
  expect_refused "$words"
  rm "$STATE/locks"
}

@test "locks-dir names another folder" {
  local folder
  for folder in "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/a state with  spaces, \$x and *"; do
    own restore "$folder"
    expect_allowed
    for ending in '' '\n' ' \t\n' '\n/nowhere\n'; do
      # shellcheck disable=SC2059
      printf "%s$ending" "$folder/locks" >"$SETTINGS"
      expect_refused "$RESTORED"
    done
    kill_owner
    expect_allowed
    leave 'swap op\n'
    expect_allowed # the usual folder does not count any more
    rm "$SETTINGS" "$LOCK"
  done
  echo /nowhere/locks >"$SETTINGS"
  expect_allowed # the service has not made it yet
}

@test "locks-dir that names nothing: refused with what to do" {
  local words="VPS web1: the first line of $SETTINGS names no folder, so it cannot be told whether a backup is being created\
 or restored; write the full path of the service's lock folder there, then start it again."
  # shellcheck disable=SC2088
  for text in '' '\n' '\n/var/lib/vps-backup/locks\n' 'locks\n' './locks\n' '~/locks\n'; do
    # shellcheck disable=SC2059
    printf "$text" >"$SETTINGS"
    expect_refused "$words"
  done
  rm "$SETTINGS"
  mkdir "$SETTINGS"
  expect_refused "$words"
  rmdir "$SETTINGS"
  ln -s /nowhere "$SETTINGS"
  expect_refused "$words"
  xml web1 "$VPS" | expect 0 '' web1 reconnect begin -
}

@test "names with any characters" {
  own create
  # shellcheck disable=SC2016,SC1003
  for name in 'my web server' ' outer ' '$(touch /pwned)`id`' "it's \"quoted\"" 'a%s%n\n\\' '*' '-n' '--' 'größe ✓' '&lt;uuid&gt;' ';' '#1'; do
    xml "$name" "$VPS" | expect 1 "VPS $name: a backup is being created; it can be started when that has finished." "$name" prepare begin -
  done
  name=$'bytes \xff\xfe that are not UTF-8'
  xml "$name" "$VPS" | expect 1 "VPS $name: a backup is being created; it can be started when that has finished." "$name" prepare begin -
  [ ! -e /pwned ]
}

@test "the UUID is found in any layout of the XML" {
  leave 'swap op\n'
  local forms=(
    "<domain type='kvm' id='7'><name>web1</name><uuid>$VPS</uuid><memory>1</memory></domain>"
    "<domain><uuid>$VPS</uuid><name>web1</name><metadata><uuid>$OTHER</uuid></metadata></domain>\n"
    "<?xml version='1.0'?>\n<domain type='kvm'\n        id='7'>\n\t<name>web1</name>\n\t<uuid>$VPS</uuid>\n</domain>\n"
    "<domain>\n<uuid>\n  $VPS\n</uuid>\n</domain>\n"
    "<domain>\n<uuid>\t$VPS </uuid >\n</domain>\n"
    "<domain><uuid a='1' b=\"x\">$VPS</uuid></domain>"
    "<domain>\n  <uuid\n  a='1'\n  >$VPS\n  </uuid\n>\n</domain>"
    "<domain><genid>$OTHER</genid><uuids>$OTHER</uuids><x:uuid>$OTHER</x:uuid><uuid>$VPS</uuid></domain>"
    "<domain>\r\n  <name>web1</name>\r\n  <uuid>$VPS</uuid>\r\n</domain>\r\n"
    "\n\n   \\\\\n<domain><name>back\\\\slash</name><uuid>$VPS</uuid>"
  )
  for form in "${forms[@]}"; do
    # shellcheck disable=SC2059
    printf "$form" | expect 1 "$RESTORED" web1 prepare begin -
    # shellcheck disable=SC2059
    printf "${form//$VPS/${VPS/6f1c/6f1d}}" | expect 0 '' web1 prepare begin -
  done
}

@test "of a long XML only the beginning is read" {
  leave 'swap op\n'
  mkfifo "$BATS_TEST_TMPDIR/long"
  exec 8<>"$BATS_TEST_TMPDIR/long"
  printf '<domain>\n<name>web1</name>\n<uuid>%s</uuid>\n' "$VPS" >&8 # and then nothing more comes
  run --separate-stderr timeout 30 "$HOOK" web1 prepare begin - <&8
  exec 8<&-
  [ "$status" -eq 1 ]
  [ "$stderr" = "$RESTORED" ]
}

@test "no UUID: refused as long as there is any lock" {
  local words="VPS web1: no UUID was found in its description, so it cannot be told whether a backup is being created or\
 restored; it can be started when the folder $STATE/locks is empty."
  local forms=('' '<domain/>' '<domain><uuid></uuid></domain>' '<domain><uuid>abc</uuid></domain>' '<uuid>'
    "<domain><uuid>../../../../../../etc/passwd</uuid></domain>" "<uuid>${VPS^^}</uuid>" "<uuid>$VPS $VPS</uuid>" "$VPS")
  for form in "${forms[@]}"; do
    printf '%s' "$form" | expect 0 '' web1 prepare begin -
  done
  mkdir -p "$STATE/locks"
  for form in "${forms[@]}"; do
    printf '%s' "$form" | expect 0 '' web1 prepare begin -
  done
  ln -s /nowhere "$STATE/locks/$OTHER"
  for form in "${forms[@]}"; do
    printf '%s' "$form" | expect 1 "$words" web1 prepare begin -
  done
}

@test "two readers do not take each other for an owner" {
  leave 'create op\n'
  exec 8<"$LOCK"
  flock --shared 8
  expect_allowed
  exec 8<&-
}

# Runs the hook with another flock(1), which carries out $1 before the real one looks at the lock.
with_flock() {
  cp /usr/bin/flock "$BATS_TEST_TMPDIR/flock"
  printf '#!/bin/bash\n%s\nexec %q "$@"\n' "$1" "$BATS_TEST_TMPDIR/flock" >"$BATS_TEST_TMPDIR/false-flock"
  chmod 755 "$BATS_TEST_TMPDIR/false-flock"
  xml web1 "$VPS" >"$BATS_TEST_TMPDIR/xml"
  # shellcheck disable=SC2016
  run --separate-stderr unshare --mount sh -c 'mount --bind "$1" /usr/bin/flock && exec "$2" web1 prepare begin - <"$3"' \
    sh "$BATS_TEST_TMPDIR/false-flock" "$HOOK" "$BATS_TEST_TMPDIR/xml"
  printf 'status %s\nstderr: %s\nstdout: %s\n' "$status" "$stderr" "$output"
  [ -z "$output" ]
}

@test "the owner replaces its lock while we look: the new one counts" {
  own restore
  with_flock "[ -e $BATS_TEST_TMPDIR/done ] || { echo swap >&6; read -r _ <&7; touch $BATS_TEST_TMPDIR/done; }"
  [ -e "$BATS_TEST_TMPDIR/done" ]
  [ "$status" -eq 1 ]
  [ "$stderr" = "$RESTORED" ]
}

@test "the owner changes the word and dies while we look: the new word counts" {
  own create
  with_flock "[ -e $BATS_TEST_TMPDIR/done ] || { echo swap >&6; read -r _ <&7; kill -KILL $owner; \
    while kill -0 $owner 2>/dev/null && ! grep -q '^State:.Z' /proc/$owner/status; do :; done; touch $BATS_TEST_TMPDIR/done; }"
  [ "$status" -eq 1 ]
  [ "$stderr" = "$RESTORED" ]
}

@test "the owner releases its lock while we look: allowed" {
  own restore
  with_flock "[ -e $BATS_TEST_TMPDIR/done ] || { echo release >&6; read -r _ <&7; touch $BATS_TEST_TMPDIR/done; }"
  [ -e "$BATS_TEST_TMPDIR/done" ]
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
}

@test "the next operation's owner comes while we look at a dead one's lock: refused" {
  leave 'create op\n'
  mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
  exec 6<>"$BATS_TEST_TMPDIR/in" 7<>"$BATS_TEST_TMPDIR/out"
  with_flock "[ -e $BATS_TEST_TMPDIR/done ] || { $BUILD/tests/hooks/lock-owner $STATE $VPS create <&6 >&7 2>&7 3>&- & \
    echo \$! >$BATS_TEST_TMPDIR/pid; read -r _ <&7; touch $BATS_TEST_TMPDIR/done; }"
  owner=$(<"$BATS_TEST_TMPDIR/pid")
  [ "$status" -eq 1 ]
  [ "$stderr" = "$CREATED" ]
}

@test "an owner that changes its lock all the time never lets a start through" {
  own restore
  (while echo swap && echo restore; do sleep 0.002; done) >&6 3>&- &
  local busy=$! failures=0
  cat <&7 >/dev/null 3>&- &
  local reader=$!
  xml web1 "$VPS" >"$BATS_TEST_TMPDIR/xml"
  for _ in {1..200}; do
    run --separate-stderr "$HOOK" web1 prepare begin - <"$BATS_TEST_TMPDIR/xml"
    [ "$status" -eq 1 ] && [ "$stderr" = "$RESTORED" ] || { failures=$((failures + 1)) && echo "status $status: $stderr"; }
  done
  kill -0 "$owner"
  kill "$busy" "$reader"
  [ "$failures" -eq 0 ]
}

@test "a flock(1) that is missing or fails: refused with what to do" {
  own create
  with_flock 'exit 71'
  [ "$status" -eq 1 ]
  [ "$stderr" = "VPS web1: it cannot be told whether its lock file $LOCK is still in use, because flock failed (status 71);\
 see to it that /usr/bin/flock of the package util-linux works, then start it again." ]
  kill_owner
  with_flock 'exit 127'
  [ "$status" -eq 1 ]
  [[ $stderr == *"(status 127)"* ]]
}

@test "it starts no process but flock, and that only for a lock; it connects to nothing" {
  xml web1 "$VPS" >"$BATS_TEST_TMPDIR/xml"
  local trace=(strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e "trace=process,network")
  "${trace[@]}" "$HOOK" web1 prepare begin - <"$BATS_TEST_TMPDIR/xml"
  [ "$(grep -cE '(clone3?|fork|execve|socket|connect)\(' "$BATS_TEST_TMPDIR/trace")" -eq 1 ] # the hook itself
  leave 'create op\n'
  "${trace[@]}" "$HOOK" web1 prepare begin - <"$BATS_TEST_TMPDIR/xml"
  cat "$BATS_TEST_TMPDIR/trace"
  [ "$(grep -c 'execve(' "$BATS_TEST_TMPDIR/trace")" -eq 2 ]
  [ "$(grep -cE '(clone3?|fork)\(' "$BATS_TEST_TMPDIR/trace")" -eq 1 ]
  [ "$(grep -cE '(socket|connect)\(' "$BATS_TEST_TMPDIR/trace")" -eq 0 ]
}

@test "it leaves the lock as it was" {
  own restore
  local before
  before=$(stat -c '%i %s %Y %Z' "$LOCK"; cat "$LOCK"; ls -A "$STATE/locks")
  expect_refused "$RESTORED"
  [ "$before" = "$(stat -c '%i %s %Y %Z' "$LOCK"; cat "$LOCK"; ls -A "$STATE/locks")" ]
  tell swap # the owner can go on as if nobody had looked
}
