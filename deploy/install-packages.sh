#!/bin/sh
# Installs the named Debian packages that are missing; says plainly when it cannot, and then exits 1.
# No service is started or enabled: the demo and the tests run the programs themselves.
set -eu

missing=
for package in "$@"; do
  case $package in
    python3-venv) python3 -c 'import ensurepip' 2>/dev/null || missing="$missing $package" ;;
    # these keep their programs where a user's PATH need not lead
    knot) [ -x /usr/sbin/knotd ] || missing="$missing $package" ;;
    nginx) [ -x /usr/sbin/nginx ] || missing="$missing $package" ;;
    nodejs) command -v node >/dev/null 2>&1 || missing="$missing $package" ;;
    node-*) [ -d "/usr/share/nodejs/${package#node-}" ] || missing="$missing $package" ;;
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing $package" ;;
    *) command -v "$package" >/dev/null 2>&1 || missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

refuse() {
  echo "Not installed:$missing. $1" >&2
  exit 1
}
command -v apt-get >/dev/null 2>&1 || refuse "This is not Debian; install them by your system's own means."
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root=sudo
else
  refuse "Run as root: apt-get install$missing"
fi

echo "Installing$missing ..."
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
  $as_root chmod 755 $policy
  made_policy=1
fi
status=0
# shellcheck disable=SC2086 # a list of words
{
  $as_root apt-get update -qq &&
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
} >/dev/null || status=1
[ -z "$made_policy" ] || $as_root rm -f $policy
if command -v systemctl >/dev/null 2>&1; then
  for package in $missing; do
    case $package in
      knot|nginx|postgresql|prometheus*|redis-server) $as_root systemctl disable --quiet "$package" 2>/dev/null || true ;;
    esac
  done
fi
[ $status = 0 ] || refuse "apt-get could not install them (see above)."
