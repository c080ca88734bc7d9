#!/usr/bin/env bash
# An authority and a certificate of it, for the names that are given:
#     authority.sh DIRECTORY NAME...
# leaves ca.pem, chain.pem and key.pem in the directory.
set -euo pipefail
directory=$1
shift
names=$(printf 'DNS:%s,' "$@")
cd "$directory"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=authority of the tests' \
  -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout key.pem -out request.pem 2>/dev/null
printf 'subjectAltName=%s\n' "${names%,}" >extensions
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out chain.pem 2>/dev/null
