#!/usr/bin/env bash
# The parts that the tests and the demo need on a machine: a Docker Engine, Debian's docker-registry and PostgreSQL. What is
# there is used as it is; what is missing is installed (root, Debian), and an Engine is started only if none answers.
#
#   setup.sh              make it so, and leave it so
#   setup.sh stop         stop the Engine, if this script started it
#   setup.sh run CMD...   make it so, run CMD, stop what was started for it, exit with CMD's status
#
# DOCKER_HOST             where the Engine answers, or shall answer (unix:///var/run/docker.sock)
# FAIRLEAD_DOCKERD_FLAGS  more flags for an Engine that is started
# FAIRLEAD_E2E_FULL       1: what the long tests need as well (docker-compose, debootstrap, lintian)
# FAIRLEAD_E2E_STATE      where is written down what was started (/run/fairlead-e2e)
set -euo pipefail

PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin
host=${DOCKER_HOST:-unix:///var/run/docker.sock}
repository=$(cd "$(dirname "$0")/.." && pwd)
if [ "$(id -u)" = 0 ]; then
	state=${FAIRLEAD_E2E_STATE:-/run/fairlead-e2e}
else
	state=${FAIRLEAD_E2E_STATE:-/tmp/fairlead-e2e.$(id -u)}
fi
engine=$state/engine # the Engine that this script started: its process id and when it was born
kept=$state/kept     # there if that Engine stays until somebody says stop
scratch=             # a directory of this very call
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.conf

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
	say "$@"
	exit 1
}

usage() {
	sed -n '5,7s/^# *//p' "$0" >&2
	exit 2
}

# --- the packages ---------------------------------------------------------------------------------------------------

# missing prints the packages that are needed and not there.
missing() {
	local tool
	command -v docker-registry >/dev/null || command -v registry >/dev/null || echo docker-registry
	compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || echo postgresql
	[ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
	if [ "${FAIRLEAD_E2E_FULL-}" = 1 ]; then
		[ -x /usr/sbin/sshd ] || echo openssh-server
		for tool in docker-compose debootstrap lintian pgbouncer; do command -v "$tool" >/dev/null || echo "$tool"; done
	fi
	if ! answers; then
		command -v dockerd >/dev/null || echo docker.io
		command -v iptables >/dev/null || echo iptables
	fi
}

install_missing() {
	local packages
	mapfile -t packages < <(missing)
	[ ${#packages[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || fail "missing: ${packages[*]}. They are installed only where there is apt-get; install them by hand"
	[ "$(id -u)" = 0 ] || fail "missing: ${packages[*]}. Run this as root, or: apt-get install --no-install-recommends ${packages[*]}"
	say "installing what is missing: ${packages[*]}"
	if ! (install_quietly "${packages[@]}") >"$scratch/apt.log" 2>&1; then
		tail -n 20 "$scratch/apt.log" | sed 's/^/  /' >&2
		fail 'the installation failed; the last words of apt-get stand above'
	fi
}

# install_quietly installs packages and starts none of their services: for as long as it takes, a policy forbids that,
# and PostgreSQL's own configuration keeps it from making a database of its own. It runs in a subshell.
install_quietly() {
	trap 'restore' EXIT
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\n# put here by fairlead e2e/setup.sh for as long as it installs\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt update || echo 'apt-get update failed; trying with the lists that are there'
	if [[ " $* " == *' postgresql '* ]]; then
		apt install postgresql-common || return
		[ -e "$cluster.fairlead" ] || cp -p "$cluster" "$cluster.fairlead"
		echo 'create_main_cluster = false' >>"$cluster"
	fi
	apt install "$@" || return
	disable_services "$@"
}

apt() {
	DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		"$1" ${2:+--yes --no-install-recommends "${@:2}"} </dev/null
}

# restore puts back the two files that an installation changes, also after one that was killed.
restore() {
	if grep -qs 'fairlead e2e/setup.sh' "$policy"; then rm -f "$policy"; fi
	if [ -e "$cluster.fairlead" ]; then mv "$cluster.fairlead" "$cluster"; fi
}

# disable_services keeps what was just installed from starting with the machine: nobody asked for that.
disable_services() {
	local package unit
	[ -d /run/systemd/system ] || return 0
	for package; do
		case $package in
		docker.io) unit='docker.service docker.socket containerd.service' ;;
		docker-registry | postgresql) unit=$package.service ;;
		*) continue ;;
		esac
		# shellcheck disable=SC2086 # a list of units
		systemctl --quiet disable $unit || echo "cannot disable $unit; it will start with the machine"
	done
}

# --- the Engine -----------------------------------------------------------------------------------------------------

build_tool() {
	scratch=$(mktemp -d)
	command -v go >/dev/null || fail 'go is not on the PATH'
	(cd "$repository" && go build -o "$scratch/worldctl" ./e2e/worldctl) || fail 'e2e/worldctl does not build'
}

answers() { "$scratch/worldctl" ping 2>"$scratch/why"; }

start_engine() {
	[[ $host == unix://* ]] || fail "$(cat "$scratch/why"). Only an Engine on a unix socket is started"
	[ "$(id -u)" = 0 ] || fail "$(cat "$scratch/why"). Only root can start one, or use one that this user may not talk to"
	check_cgroups
	local log flags pid
	log=$(mktemp -d "${TMPDIR:-/tmp}/fairlead-dockerd-XXXXXX")/dockerd.log
	read -ra flags <<<"${FAIRLEAD_DOCKERD_FLAGS:-}"
	forget_dead
	# A session of its own keeps Ctrl-C from it; our locks are not for it to hold.
	setsid dockerd --host "$host" "${flags[@]}" </dev/null >"$log" 2>&1 8>&- 9>&- &
	pid=$!
	echo "$pid $(birth "$pid") $log" >"$engine"
	say "no Engine answers: started one (pid $pid, log $log)"
	for _ in {1..300}; do
		if answers; then return 0; fi
		if [ -z "$(birth "$pid")" ]; then
			rm -f "$engine"
			fail "the Engine ended instead of serving; $(explain "$log")"
		fi
		sleep 0.2
	done
	fail "the Engine does not answer in a minute; $(explain "$log")"
}

# forget_dead removes the pid files of an Engine that was killed. Once another process has its number, dockerd would take
# that one for an Engine or a containerd that runs, and not start.
forget_dead() {
	local file pid
	for file in /run/docker.pid /run/docker/containerd/containerd.pid; do
		[ -s "$file" ] || continue
		pid=$(cat "$file")
		case $(cat "/proc/$pid/comm" 2>/dev/null || true) in
		dockerd | containerd) ;;
		*) rm -f "$file" ;;
		esac
	done
}

# check_cgroups says at once what dockerd would say in the middle of its log.
check_cgroups() {
	[ ! -e /sys/fs/cgroup/cgroup.controllers ] || return 0
	awk '$3 == "cgroup" && $4 ~ /(^|,)devices(,|$)/ { found = 1 } END { exit !found }' /proc/mounts ||
		fail "an Engine cannot run here: no control groups are mounted on /sys/fs/cgroup." \
			"On a machine: mount -t cgroup2 cgroup2 /sys/fs/cgroup. In a container: start it with --privileged"
}

# explain prints the end of an Engine's log, and a guess at what it means.
explain() {
	printf 'its last words:\n'
	grep -v 'level=info' "$1" | tail -n 12 | sed 's/^/  /' || true
	if grep -qi iptables "$1"; then
		printf 'If it is about iptables, this kernel may want the other kind: update-alternatives --set iptables /usr/sbin/iptables-legacy (or iptables-nft)'
	fi
}

# birth prints when a process was born, which tells it from a later one with its id; nothing if it is no more.
birth() {
	sed -n 's/.*) //; /^[^Z]/p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20 || true
}

# stop_engine stops the Engine that this script started. It tells the others apart by the record alone.
stop_engine() {
	local pid born log
	[ -e "$engine" ] || return 0
	read -r pid born log <"$engine"
	if [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ]; then
		kill -TERM "$pid"
		for _ in {1..300}; do
			[ "$(birth "$pid")" = "$born" ] || break
			sleep 0.2
		done
		[ "$(birth "$pid")" != "$born" ] || fail "the Engine (pid $pid) does not end; its log is $log"
		rm -r "$(dirname "$log")"
		say "stopped the Engine that was started here (pid $pid)"
	else
		say "the Engine that was started here (pid $pid) had ended by itself; its log is $log"
	fi
	rm -f "$engine" "$kept"
}

# --- the commands ---------------------------------------------------------------------------------------------------

open_state() {
	(umask 077 && mkdir -p "$state")
	[ -O "$state" ] || fail "$state belongs to somebody else"
	exec 8>"$state/setup.lock" 9>"$state/users.lock"
}

ensure() {
	build_tool
	flock 8
	[ "$(id -u)" != 0 ] || restore
	install_missing
	answers || start_engine
	flock -u 8
}

stop() {
	flock 8
	if [ -e "$engine" ]; then
		stop_engine
	else
		say 'no Engine was started here; nothing is stopped'
	fi
}

# run holds the lock of the users, shared, for as long as CMD runs: the last one out stops the Engine.
run() {
	trap 'leave' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	flock -s 9
	ensure
	local status=0
	attend "$@" || status=$?
	exit "$status"
}

# attend runs a command and passes signals on to it. The command has a process group of its own, as a terminal would
# otherwise interrupt it and this script at once, and does not read from the terminal.
attend() {
	local child status input=/dev/stdin
	[ ! -t 0 ] || input=/dev/null
	set -m
	"$@" <"$input" 8>&- 9>&- &
	child=$!
	set +m
	trap 'kill -INT -- "-$child" 2>/dev/null || true' INT
	trap 'kill -TERM -- "-$child" 2>/dev/null || true' TERM HUP
	while :; do
		status=0
		wait "$child" || status=$?
		[ -n "$(birth "$child")" ] || break # a signal ends the waiting, not the command
	done
	trap '' INT TERM HUP
	local last=0
	wait "$child" || last=$? # 127 if the status was taken already
	[ "$last" = 127 ] || status=$last
	return "$status"
}

leave() {
	trap '' INT TERM HUP
	if [ -x "$scratch/worldctl" ] && answers; then
		"$scratch/worldctl" sweep >&2 || true # it says itself what it could not remove
	fi
	flock 8
	flock -u 9
	if [ -e "$engine" ] && [ ! -e "$kept" ] && flock -n -x 9; then stop_engine; fi
	clean
}

clean() {
	if [ -n "$scratch" ]; then rm -rf "$scratch"; fi
}

trap 'clean' EXIT
case ${1-} in
'' | ensure)
	[ $# -le 1 ] || usage
	open_state
	ensure
	if [ -e "$engine" ]; then touch "$kept"; fi
	say "ready; an Engine answers at $host"
	;;
stop)
	[ $# -eq 1 ] || usage
	open_state
	stop
	;;
run)
	[ $# -ge 2 ] || usage
	shift
	open_state
	run "$@"
	;;
*) usage ;;
esac
