#!/bin/sh
# Fill the `wheels` folder that a service's Dockerfile copies from, so that the build of the image
# needs no network:
#
#     services/wheels.sh backend
#     docker build --tag backend:1.0.0 services/backend
#
# A second argument names another folder, PYTHON another interpreter with pip.
set -eu

name=${1:?say which service: backend or frontend}
here=$(dirname "$0")
folder=${2:-$here/$name/wheels}
python=${PYTHON:-python3}

mkdir -p "$folder"
rm -f "$folder"/*.whl
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps \
  --wheel-dir "$folder" "$here/$name"
# For the Python of the Dockerfile's base image, whichever one runs this; pure wheels only, because
# the image unpacks them instead of installing them.
"$python" -m pip download --quiet --disable-pip-version-check --dest "$folder" \
  --only-binary=:all: --python-version 3.12 --implementation py --abi none --platform any \
  "$folder"/toolkit_demo_*.whl
