#!/bin/sh
# Lays the hidden tests over the repository, runs the checks and writes the reward.
here=$(cd "$(dirname "$0")" && pwd)
if [ -d "$here/files" ]; then cp -R "$here/files/." /workspace/; fi
cd /workspace && exec python "$here/judge.py"
