#!/usr/bin/env bash
# TLS is always verified: a CA that is not trusted, another host's name, a server
# that is too old, and a missing client certificate each end the sync with a
# sentence, and the token has not been sent.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
cd "$NS_TMP"
{
  ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -subj "/CN=$1" -days 2; }
  cert() { # NAME SAN
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile <(echo "subjectAltName=$2") -out "$1.pem"
  }
  ca ca; ca stranger; cert server DNS:localhost; cert elsewhere DNS:id.example.com; cert host DNS:host
} >openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }
cd "$SRC"
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
serve() { # CERTIFICATE [OPTIONS…]: SCIM_URL, by name
  local cert=$1
  shift
  [ -z "$SCIM_PID" ] || scim_stop
  scim_start tests/realscim --users 20 --groups 2 --tls-cert "$NS_TMP/$cert.pem" --tls-key "$NS_TMP/$cert.key" "$@"
  SCIM_URL=${SCIM_URL/127.0.0.1/localhost}
}
conf() {
  printf '[directory/corp]\nurl = %s\ntoken = corp\n%s\n[access]\nallow = all\n' "$SCIM_URL" "$1" >/etc/scimd/scimd.conf
}
good() { scimd --once 2>"$NS_TMP/err" || { cat "$NS_TMP/err" >&2; echo "expected to work: $1" >&2; exit 1; }; }
asked() { curl -sk --noproxy '*' ${CLIENT:-} "${SCIM_URL%/scim/v2}/__stats" | grep -c '"/scim\|/Users' || :; }
bad() { # WHAT WORDS
  local r=0
  scimd --once 2>"$NS_TMP/err" || r=$?
  if [ "$r" != 1 ] || ! grep -qiE "$2" "$NS_TMP/err"; then cat "$NS_TMP/err" >&2; echo "expected to fail ($2): $1" >&2; exit 1; fi
  [ "$(asked)" = 0 ] || { echo "$1: the server was asked" >&2; exit 1; }
}
grep -q localhost /etc/hosts || echo '127.0.0.1 localhost' >>/etc/hosts

serve server
conf ''; bad "a CA that is not trusted" 'certificate|issuer'
conf "ca_file = $NS_TMP/stranger.pem"; bad "another CA" 'certificate|issuer'
conf "ca_file = $NS_TMP/ca.pem"; good "its own CA"
getent passwd user00001 >/dev/null
conf "ca_file = $NS_TMP/ca.pem
tls_min = 1.3"; good "TLS 1.3"

serve elsewhere
conf "ca_file = $NS_TMP/ca.pem"; bad "another host's certificate" 'name|host'

NODE_OPTIONS=--tls-max-v1.2 serve server
conf "ca_file = $NS_TMP/ca.pem
tls_min = 1.3"; bad "TLS 1.2 where 1.3 is wanted" 'version|alert|handshake|tls'
conf "ca_file = $NS_TMP/ca.pem"; good "TLS 1.2"

serve server --client-ca "$NS_TMP/ca.pem"
CLIENT="--cert $NS_TMP/host.pem --key $NS_TMP/host.key"
conf "ca_file = $NS_TMP/ca.pem"; bad "no client certificate" 'certificate|alert|ssl|reset'
conf "ca_file = $NS_TMP/ca.pem
client_cert = $NS_TMP/host.pem
client_key = $NS_TMP/host.key"; good "a client certificate"
[ "$(asked)" != 0 ] # the log of the server is what was looked at
