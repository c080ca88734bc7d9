#!/usr/bin/env bash
# A command in a network of its own, with a site that it can reach:
#     network.sh DIRECTORY COMMAND...
# The site has a public address there, the names api.example.org and cdn.example.org, and a certificate of an authority that
# the host's programs know. intranet.example.org is one of the same host's loopback addresses; on it, and on 203.0.113.2, which
# is the host's own too, something listens on port 9001. A route leads out to where nobody is, and /dev/net/tun is
# everybody's, as it is on most hosts. Root only.
set -euo pipefail
if [ "${1-}" != --inside ]; then
  exec unshare --mount --net --propagation private -- "$0" --inside "$@"
fi
shift
directory=$1
shift
here=$(dirname "$0")
"$here/authority.sh" "$directory" api.example.org cdn.example.org
mkdir "$directory/certificates"
cp "$directory/ca.pem" "$directory/certificates/$(openssl x509 -hash -noout -in "$directory/ca.pem").0"
printf '127.0.0.1 localhost\n9.9.9.9 api.example.org cdn.example.org\n127.0.0.1 intranet.example.org\n' >"$directory/hosts"
# Others may read them, whatever the mask of who runs the tests.
chmod -R go+rX "$directory/certificates" "$directory/hosts"
mount --bind "$directory/hosts" /etc/hosts
mount --bind "$directory/certificates" /etc/ssl/certs
ip link set lo up
ip address add 9.9.9.9/32 dev lo
ip link add outside type veth peer name beyond
ip address add 203.0.113.2/24 dev outside
ip link set outside up
ip link set beyond up
ip route add default via 203.0.113.1 dev outside
mknod "$directory/tun" c 10 200
chmod 666 "$directory/tun"
mount --bind "$directory/tun" /dev/net/tun
mkfifo "$directory/input" "$directory/ready" "$directory/ready-too"
# Reading and writing, so that neither end waits for the other.
exec 3<>"$directory/input"
python3 "$here/server.py" 9.9.9.9 "$directory" 9000 <"$directory/input" >"$directory/ready" 3>&- &
server=$!
python3 -c '
import socket, sys, threading
def serve(listener):
    while True:
        with listener.accept()[0] as peer:
            # Closing with something unread would reset the connection.
            peer.recv(5)
            peer.sendall(b"host!")
for address in "127.0.0.1", "203.0.113.2":
    threading.Thread(target=serve, args=[socket.create_server((address, 9001))], daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
' <"$directory/input" >"$directory/ready-too" 3>&- &
other=$!
for ready in ready ready-too; do
  read -r word <"$directory/$ready"
  [ "$word" = ready ]
done
result=0
"$@" 3>&- || result=$?
exec 3>&-
wait "$server" "$other"
exit "$result"
