#!/bin/sh
# Runs on the board, out of the folder that `bnnhw deploy` has copied: puts the overlay into its place,
# installs the wheel, and validates. The exit code says what failed, see deploy/session.py.
#
#   sh install.sh DIRECTORY NETWORK WHEEL PYTHON validate|leave
#
# A folder takes the place of another by renaming: an interrupted copy leaves the old overlay whole.
set -eu
[ $# -eq 5 ]
directory=$1 network=$2 wheel=$3 python=$4 after=$5
case $0 in
  /*) stage=${0%/*} ;;
  *) stage=$PWD/${0%/*} ;;
esac
case $directory in
  /*) ;;
  *) directory=$PWD/$directory ;;
esac
place=$directory/$network

leave() {  # CODE: what was copied goes, too
  rm -rf -- "$stage"
  exit "$1"
}
as_root() {  # without a terminal sudo must not ask for a password that nobody can give
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo -- "$@"
  else
    sudo -n -- "$@"
  fi
}

[ -x "$python" ] || leave 11
if [ -e "$place" ] && [ ! -f "$place/manifest.json" ]; then
  leave 12
fi
mkdir -p -- "$directory" && [ -w "$directory" ] || leave 13

new=$directory/.bnnhw-$network.new old=$directory/.bnnhw-$network.old

# What a run that was cut off has left: renaming again ends its work, uploads of yesterday go.
if [ ! -e "$place" ] && [ -d "$old" ]; then
  mv -T -- "$old" "$place"
fi
rm -rf -- "$new"
find "${stage%/*}" -maxdepth 1 -name '.bnnhw-deploy-*' -mtime +0 -exec rm -rf -- {} + || :

mv -T -- "$stage/overlay" "$new" || leave 13
for file in "$place"/*; do  # files of the user's own stay; those of the old overlay go
  case ${file##*/} in
    *.bit | *.hwh | manifest.json | weights.bin | vectors.npz | '*') ;;
    *) cp -a -- "$file" "$new/" || leave 13 ;;
  esac
done
rm -rf -- "$old"
if [ -e "$place" ]; then
  mv -T -- "$place" "$old"
fi
mv -T -- "$new" "$place"
rm -rf -- "$old"

# Notebooks that were changed on the board stay beside the new ones, as NAME.~1~.
for file in "$stage"/notebooks/*; do
  [ -e "$file" ] || continue
  if ! diff -rq -- "$file" "$directory/${file##*/}" > /dev/null 2>&1; then
    mv -fT --backup=numbered -- "$file" "$directory/${file##*/}" || leave 13
  fi
done

as_root "$python" -I -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
  --force-reinstall "$stage/$wheel" || leave 14
rm -rf -- "$stage"
[ "$after" = validate ] || exit 0

# pynq finds no device without this variable, which a login shell would have set.
code=0
as_root env XILINX_XRT=/usr "$python" -I -m bnnhw_host validate "$place" || code=$?
case $code in
  0) exit 0 ;;
  1) exit 21 ;;
  *) exit 22 ;;
esac
