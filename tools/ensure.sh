# What ./run and ./test share: Debian packages, the build, logs. Sourced by a POSIX shell in the
# root of the checkout; expects LOGS, the folder for logs.

# sudo may ask for a password where somebody can answer; it reads it from the terminal itself.
TERMINAL=
[ -t 0 ] && TERMINAL=yes

say() {
	printf '%s\n' "$*"
}

# The last lines of a log, and where all of it is. Fails.
ensure_explain() {
	say "$1; the end of $2:"
	tail -n 25 "$2" | cut -c 1-300 | sed 's/^/  /'
	return 1
}

# Prints the packages of the named groups that are not there.
ensure_missing() {
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null |
		sed -n 's/ installed$//p')
	for group in "$@"; do
		sed -n "s/^$group  *//p" tools/packages.txt
	done | sort -u | while read -r package command; do
		if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then
			continue
		fi
		printf '%s\n' "$installed" | grep -qxF "$package" || printf '%s ' "$package"
	done
}

ensure_root() {
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	elif [ -n "$TERMINAL" ]; then
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

ensure_install() {
	ensure_root apt-get install -y --no-install-recommends "$@"
}

# Installs what the named groups of tools/packages.txt lack.
ensure_packages() {
	if ! command -v dpkg-query >/dev/null 2>&1; then
		say "No Debian: install the counterparts of tools/packages.txt ($*) yourself."
		return 0
	fi
	missing=$(ensure_missing "$@")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
		say "These packages are missing; install them as root, then come back:"
		say "  apt-get install --no-install-recommends $missing"
		return 1
	fi
	mkdir -p "$LOGS"
	say "Installing packages: ${missing% }"
	# Word splitting of the list is what is wanted.
	# shellcheck disable=SC2086
	if ! ensure_install $missing >"$LOGS/packages.log" 2>&1 </dev/null; then
		{ ensure_root apt-get update && ensure_install $missing; } \
			>"$LOGS/packages.log" 2>&1 </dev/null ||
			ensure_explain "The packages were not installed" "$LOGS/packages.log"
	fi
}

# ensure_build DIR "MESON OPTIONS" [TARGET…]: sets DIR up once, then builds what is out of date.
ensure_build() {
	dir=$1 options=$2 log=$LOGS/$(basename "$1").log
	shift 2
	mkdir -p "$LOGS"
	# A folder that was set up elsewhere, or not to its end, is of no use.
	if [ -d "$dir" ] && ! grep -qxF "$PWD" "$dir/.checkout" 2>/dev/null; then
		rm -rf "$dir"
	fi
	if [ ! -f "$dir/build.ninja" ]; then
		say "Setting up $dir"
		# shellcheck disable=SC2086
		meson setup "$dir" $options >"$log" 2>&1 </dev/null ||
			{ ensure_explain "Meson could not set up $dir" "$log"; return 1; }
		printf '%s\n' "$PWD" >"$dir/.checkout"
	fi
	ninja -C "$dir" -n "$@" 2>/dev/null | grep -q 'no work to do' || say "Building $dir"
	ninja -C "$dir" "$@" >"$log" 2>&1 </dev/null ||
		ensure_explain "The build of $dir failed" "$log"
}
