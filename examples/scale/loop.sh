#!/bin/sh
# One map in shards, one after the other, or with `&` and `wait` at once: sh loop.sh STUDY SHARDS MAP
set -eu
study=$1 shards=$2 map=$3

i=0
while [ "$i" -lt "$shards" ]; do
    voxstore tsnr "$study" --shard "$i/$shards" -o parts --quiet
    i=$((i + 1))
done
voxstore merge parts -o "$map"
