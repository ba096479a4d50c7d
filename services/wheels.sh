#!/bin/sh
# Fill the `wheels` folder that a service's Dockerfile copies from, so that the build of the image
# needs no network:
#
#     services/wheels.sh backend
#     docker build --tag backend:1.0.0 services/backend
#
# A second argument names another folder, PYTHON another interpreter with pip. The servers have
# compiled parts: PYTHON_VERSION is that of the image's base (3.12), MACHINE its kind (this one's).
set -eu

name=${1:?say which service: backend, frontend, kick or hook}
here=$(dirname "$0")
folder=${2:-$here/$name/wheels}
python=${PYTHON:-python3}
version=${PYTHON_VERSION:-3.12}
machine=${MACHINE:-$(uname -m)}

mkdir -p "$folder"
rm -f "$folder"/*.whl
if [ "$name" = kick ] || [ "$name" = hook ]; then
  # With the toolkit that it is built on, of this very checkout.
  set -- "$here/$name" "$here/.."
else
  set -- "$here/$name"
fi
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$folder" "$@"

# For the Python of the Dockerfile's base image, whichever one runs this; wheels only, because the
# image unpacks them instead of installing them.
if [ "$name" = kick ] || [ "$name" = hook ]; then
  set -- --implementation cp --find-links "$folder" --platform "manylinux_2_28_$machine" \
    --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine"
else
  set -- --implementation py --abi none --platform any
fi
"$python" -m pip download --quiet --disable-pip-version-check --dest "$folder" \
  --only-binary=:all: --python-version "$version" "$@" "$folder"/toolkit_*.whl
