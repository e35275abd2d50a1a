#!/usr/bin/env python3
"""Makes signatures.json: tokens and keys, good and bad, by tools that know nothing of Veche.

Good tokens are made by `jwcrypto` (PyPI), some by `openssl`; bad ones are good ones changed, or made by hand from the
same libraries. Every run makes new keys. What each vector must do is said here and nowhere else:

    pip install jwcrypto && python3 make.py

A vector is a token, the keys a server has (a secret, PEM keys or a key set), and whether it is valid; a bad one says
what must be found wrong: the token's "form", its "header", the "algorithm", the "key" or the "signature".
"""

import base64
import hashlib
import hmac
import json
import math
import pathlib
import subprocess
import tempfile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from jwcrypto import jwk, jws

CLAIMS = b'{"sub":"42"}'
SECRET = "a secret that both sides share, longer than sixty-four bytes: so it is hashed first"
HASHES = {"256": (hashes.SHA256(), "sha256"), "384": (hashes.SHA384(), "sha384"), "512": (hashes.SHA512(), "sha512")}
ORDERS = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "P-521": 6864797660130609714981900799081393217269435300143305409394463459185543183397655394245057746333217197532963996371363321113864768612440380340372808892707005449,
}
SIZES = {"P-256": 32, "P-384": 48, "P-521": 66}

vectors = []


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))


def text(value):
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def signed_part(header, claims=CLAIMS):
    return f"{b64(text(header))}.{b64(claims)}"


def make(header, key, claims=CLAIMS):
    """A token by jwcrypto."""
    token = jws.JWS(claims)
    token.allowed_algs = [header["alg"]]
    token.add_signature(key, None, json.dumps(header))
    return token.serialize(compact=True)


def with_signature(header, sign, claims=CLAIMS):
    """A token whose header is written as it is, and whose signature is what `sign` makes of the signed bytes."""
    part = signed_part(header, claims)
    return f"{part}.{b64(sign(part.encode()))}"


def add(name, token, keys, fails=None):
    assert not any(it["name"] == name for it in vectors), name
    vectors.append({"name": name, "keys": keys, "token": token, **({"fails": fails} if fails else {})})


def private(key):
    return key.export_to_pem(private_key=True, password=None)


def pem(key):
    return key.export_to_pem().decode()


def native(key):
    return key.get_op_key("sign")


def public(key, **more):
    """The public JWK with an id; `more` replaces members, None takes them away."""
    members = {**json.loads(key.export_public()), "kid": "k", "use": "sig", **more}
    return {name: value for name, value in members.items() if value is not None}


def key_set(*keys):
    return {"jwks": {"keys": list(keys)}}


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


# Keys

rsa = {bits: jwk.JWK.generate(kty="RSA", size=bits) for bits in (1024, 2048, 3072, 4096)}
ecdsa = {curve: jwk.JWK.generate(kty="EC", crv=curve) for curve in SIZES}
ed25519 = jwk.JWK.generate(kty="OKP", crv="Ed25519")
x25519 = jwk.JWK.generate(kty="OKP", crv="X25519")
ed448 = jwk.JWK.generate(kty="OKP", crv="Ed448")
secp256k1 = jwk.JWK.generate(kty="EC", crv="secp256k1")
other = {"RSA": jwk.JWK.generate(kty="RSA", size=2048), "EC": jwk.JWK.generate(kty="EC", crv="P-256")}
shared = jwk.JWK(kty="oct", k=b64(SECRET.encode()))
CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ALL = {f"RS{bits}": rsa[2048] for bits in HASHES} | {alg: ecdsa[curve] for alg, curve in CURVE_OF.items()} | {"EdDSA": ed25519}
RSA_PEM = {"pem": [pem(rsa[2048])]}
P256_PEM = {"pem": [pem(ecdsa["P-256"])]}


def rs(key, bits):
    return lambda data: native(key).sign(data, padding.PKCS1v15(), HASHES[bits][0])


def es(key, curve, bits):
    """A raw signature, r and s side by side (RFC 7518, section 3.4)."""
    def sign(data):
        r, s = decode_dss_signature(native(key).sign(data, ec.ECDSA(HASHES[bits][0])))
        return r.to_bytes(SIZES[curve], "big") + s.to_bytes(SIZES[curve], "big")
    return sign


def hs(secret, bits):
    return lambda data: hmac.new(secret, data, HASHES[bits][1]).digest()


# Good tokens

for bits in HASHES:
    add(f"HS{bits}", make({"alg": f"HS{bits}"}, shared), {"secret": SECRET})
for alg, key in ALL.items():
    if alg != "EdDSA":
        add(f"{alg}, key in PEM", make({"alg": alg}, key), {"pem": [pem(key)]})
    add(f"{alg}, key in a set", make({"alg": alg, "kid": "k"}, key), key_set(public(key, alg=alg)))
    add(f"{alg}, key in a set without alg", make({"alg": alg, "kid": "k"}, key), key_set(public(key)))
for bits in (3072, 4096):
    add(f"RSA with {bits} bits", make({"alg": "RS256"}, rsa[bits]), {"pem": [pem(rsa[bits])]})
add("the second name of EdDSA", with_signature({"alg": "Ed25519", "kid": "k"}, native(ed25519).sign), key_set(public(ed25519, alg="Ed25519")))

with tempfile.TemporaryDirectory() as folder:
    for kind, key, alg, command in (("RSA", rsa[2048], "RS256", "sha256"), ("ECDSA", ecdsa["P-256"], "ES256", "sha256")):
        path = pathlib.Path(folder, kind)
        path.write_bytes(private(key))
        certificate = openssl("req", "-x509", "-new", "-key", str(path), "-subj", "/CN=tokens/O=An organisation", "-days", "36500").decode()
        add(f"{kind}, key in a certificate", make({"alg": alg}, key), {"pem": [certificate]})
        add(f"{kind}, a private key instead", make({"alg": alg}, key), {"pem": [private(key).decode()]}, "key")
        encrypted = openssl("pkcs8", "-topk8", "-in", str(path), "-passout", "pass:x").decode()
        add(f"{kind}, an encrypted private key instead", make({"alg": alg}, key), {"pem": [encrypted]}, "key")
        public_pem = openssl("pkey", "-in", str(path), "-pubout").decode()
        for name, changed in (
            ("with \\n for line breaks", public_pem.replace("\n", "\\n")),
            ("with \\r\\n for line breaks", public_pem.replace("\n", "\\r\\n")),
            ("on one line", public_pem.replace("\n", " ").strip()),
            ("without line breaks", public_pem.replace("\n", "")),
            ("with text around it", f"the key:\n{public_pem}and more"),
            ("with Windows line breaks", public_pem.replace("\n", "\r\n")),
        ):
            add(f"{kind}, PEM {name}", make({"alg": alg}, key), {"pem": [changed]})
        lines = public_pem.splitlines()
        for name, changed in (
            ("without its end", "\n".join(lines[:-1])),
            ("without its beginning", "\n".join(lines[1:])),
            ("cut", "\n".join([lines[0], lines[1][:40], lines[-1]])),
            ("that is not base64", public_pem.replace("A", "!")),
            ("of something else", public_pem.replace("PUBLIC KEY", "DH PARAMETERS")),
            ("with bytes behind the key", f"{lines[0]}\n{base64.b64encode(base64.b64decode(''.join(lines[1:-1])) + b'x').decode()}\n{lines[-1]}"),
            ("that is empty", ""),
        ):
            add(f"{kind}, PEM {name}", make({"alg": alg}, key), {"pem": [changed]}, "key")
    path = pathlib.Path(folder, "RSA")
    add("RSA, key in PKCS #1", make({"alg": "RS256"}, rsa[2048]), {"pem": [openssl("rsa", "-in", str(path), "-RSAPublicKey_out").decode()]})
    compressed = openssl("ec", "-in", str(pathlib.Path(folder, "ECDSA")), "-pubout", "-conv_form", "compressed").decode()
    add("ECDSA, a compressed point", make({"alg": "ES256"}, ecdsa["P-256"]), {"pem": [compressed]})
    add("signed by openssl", with_signature({"alg": "RS512"}, lambda data: openssl("dgst", "-sha512", "-sign", str(path), data=data)), RSA_PEM)
    request = openssl("req", "-new", "-key", str(path), "-subj", "/CN=tokens").decode()
    add("a certificate request instead of a key", make({"alg": "RS256"}, rsa[2048]), {"pem": [request]}, "key")
    pss = openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
    add("an RSA key for PSS only", make({"alg": "RS256"}, rsa[2048]), {"pem": [openssl("pkey", "-pubout", data=pss).decode()]}, "key")

for name, key in (("X25519", x25519), ("Ed448", ed448), ("secp256k1", secp256k1)):
    add(f"a PEM key of {name}", make({"alg": "ES256"}, ecdsa["P-256"]), {"pem": [pem(key)]}, "key")

# Keys of another kind, algorithms of another family

for keys, name, secret in (
    (RSA_PEM, "RSA key in PEM", pem(rsa[2048]).encode()),
    (RSA_PEM, "RSA key in PEM without its last line break", pem(rsa[2048]).strip().encode()),
    (P256_PEM, "ECDSA key in PEM", pem(ecdsa["P-256"]).encode()),
    (RSA_PEM, "modulus", base64.urlsafe_b64decode(public(rsa[2048])["n"] + "==")),
    (RSA_PEM, "empty text", b""),
):
    for bits in HASHES:
        add(f"HS{bits} with the {name} as the secret", with_signature({"alg": f"HS{bits}"}, hs(secret, bits)), keys, "algorithm")
add("HS256 with the RSA key as the secret, where there is another secret", with_signature({"alg": "HS256"}, hs(pem(rsa[2048]).encode(), "256")), {**RSA_PEM, "secret": SECRET}, "signature")
add("HS256 with the set as the secret", with_signature({"alg": "HS256", "kid": "k"}, hs(json.dumps({"keys": [public(rsa[2048])]}).encode(), "256")), key_set(public(rsa[2048])), "algorithm")
add("HS256 with the modulus of the set as the secret", with_signature({"alg": "HS256", "kid": "k"}, hs(public(rsa[2048])["n"].encode(), "256")), key_set(public(rsa[2048])), "algorithm")
add("HS256 with a good secret where keys come from a set", make({"alg": "HS256", "kid": "k"}, shared), {**key_set(public(rsa[2048])), "secret": SECRET}, "algorithm")
add("HS256 with a secret in the set", make({"alg": "HS256", "kid": "k"}, shared), key_set({"kty": "oct", "k": b64(SECRET.encode()), "kid": "k", "use": "sig"}), "algorithm")
add("RS256 with a PEM key where keys come from a set", make({"alg": "RS256", "kid": "k"}, rsa[2048]), {**key_set(public(other["RSA"])), **RSA_PEM}, "signature")
for spelled in ("none", "None", "NONE", "nOnE", "", " RS256", "rs256", "Rs256", "RS256\0", "RSA", "PS256", "ES256K", "ES257", "RS1", "HS1", "A128KW"):
    add(f"alg {spelled!r}, signed as RS256", with_signature({"alg": spelled}, rs(rsa[2048], "256")), RSA_PEM, "algorithm")
    add(f"alg {spelled!r}, not signed", with_signature({"alg": spelled}, lambda data: b""), RSA_PEM, "algorithm")
    add(f"alg {spelled!r}, signed with the secret", with_signature({"alg": spelled}, hs(SECRET.encode(), "256")), {"secret": SECRET}, "algorithm")
for spelled in ("hs256", "Hs256", "es256", "eddsa", "EDDSA", "ed25519", "Ed448", "EdDSA "):
    add(f"alg {spelled!r}", with_signature({"alg": spelled}, hs(SECRET.encode(), "256")), {"secret": SECRET}, "algorithm")
pss_sign = lambda data: native(rsa[2048]).sign(data, padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256())
add("PS256, well signed", with_signature({"alg": "PS256"}, pss_sign), RSA_PEM, "algorithm")
add("RS256 with a signature of PSS", with_signature({"alg": "RS256"}, pss_sign), RSA_PEM, "signature")
for said, done in (("256", "384"), ("256", "512"), ("384", "256"), ("512", "256")):
    add(f"RS{said} with a signature of RS{done}", with_signature({"alg": f"RS{said}"}, rs(rsa[2048], done)), RSA_PEM, "signature")
    add(f"HS{said} with a signature of HS{done}", with_signature({"alg": f"HS{said}"}, hs(SECRET.encode(), done)), {"secret": SECRET}, "signature")
for bits in ("384", "512"):
    add(f"ES{bits} with a key of P-256", with_signature({"alg": f"ES{bits}", "kid": "k"}, es(ecdsa["P-256"], "P-256", bits)), P256_PEM, "algorithm")
    add(f"ES{bits} with a key of P-256 in a set", with_signature({"alg": f"ES{bits}", "kid": "k"}, es(ecdsa["P-256"], "P-256", bits)), key_set(public(ecdsa["P-256"])), "key")
    add(f"ES256 with a P-256 signature of SHA-{bits}", with_signature({"alg": "ES256"}, es(ecdsa["P-256"], "P-256", bits)), P256_PEM, "signature")
for alg, curve in (("ES256", "P-384"), ("ES256", "P-521"), ("ES384", "P-521"), ("ES512", "P-384")):
    bits = alg[2:]
    token = with_signature({"alg": alg, "kid": "k"}, es(ecdsa[curve], curve, bits))
    add(f"{alg} with a key of {curve}", token, {"pem": [pem(ecdsa[curve])]}, "algorithm")
    add(f"{alg} with a key of {curve} in a set", token, key_set(public(ecdsa[curve])), "key")
for alg, key in ALL.items():
    for its, wrong in ALL.items():
        if its[:2] != alg[:2]:
            add(f"{alg}, and the set has a key for {its}", make({"alg": alg, "kid": "k"}, key), key_set(public(wrong)), "key")
add("EdDSA with a key of P-256", with_signature({"alg": "EdDSA"}, es(ecdsa["P-256"], "P-256", "256")), P256_PEM, "algorithm")
add("EdDSA by Ed448", with_signature({"alg": "EdDSA", "kid": "k"}, native(ed448).sign), key_set(public(ed448)), "key")
add("EdDSA, and the key is of X25519", make({"alg": "EdDSA", "kid": "k"}, ed25519), key_set(public(x25519)), "key")
add("EdDSA, and the key is X25519 with the numbers of Ed25519", make({"alg": "EdDSA", "kid": "k"}, ed25519), key_set(public(ed25519, crv="X25519")), "key")
add("both PEM keys are there, RS256", make({"alg": "RS256"}, rsa[2048]), {"pem": [pem(rsa[2048]), pem(ecdsa["P-256"])]})
add("both PEM keys are there, ES256", make({"alg": "ES256"}, ecdsa["P-256"]), {"pem": [pem(rsa[2048]), pem(ecdsa["P-256"])]})
add("both PEM keys and a secret are there, HS256", make({"alg": "HS256"}, shared), {"pem": [pem(rsa[2048]), pem(ecdsa["P-256"])], "secret": SECRET})
add("no key is there", make({"alg": "RS256"}, rsa[2048]), {}, "algorithm")
add("another RSA key is there", make({"alg": "RS256"}, other["RSA"]), RSA_PEM, "signature")
add("another ECDSA key is there", make({"alg": "ES256"}, other["EC"]), P256_PEM, "signature")

# Signatures of ECDSA (Wycheproof: r and s at and beyond their bounds, other encodings)

for alg, curve in CURVE_OF.items():
    key, size, order = ecdsa[curve], SIZES[curve], ORDERS[curve]
    keys = {"pem": [pem(key)]}
    good = with_signature({"alg": alg}, es(key, curve, alg[2:]))
    part, signature = good.rsplit(".", 1)
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big")
    raw_of = lambda r, s: r.to_bytes(size, "big") + s.to_bytes(size, "big")
    everything = 2 ** (8 * size) - 1
    for name, bad in {
        "r and s are 0": raw_of(0, 0), "r is 0": raw_of(0, s), "s is 0": raw_of(r, 0),
        "r and s are 1": raw_of(1, 1), "r and s are the order": raw_of(order, order), "r is the order": raw_of(order, s),
        "s is the order": raw_of(r, order), "r is one below the order": raw_of(order - 1, s), "r is 0 and s is 1": raw_of(0, 1),
        "r is 1 and s is 0": raw_of(1, 0), "r is the order and s is 0": raw_of(order, 0), "all bits are set": raw_of(everything, everything),
        "r and s are swapped": raw_of(s, r), "r is negated": raw_of(order - r, s), "it is DER": encode_dss_signature(r, s),
        "it is DER of zeros": encode_dss_signature(0, 0), "it is empty": b"", "it is r alone": raw[:size], "a byte is missing": raw[:-1],
        "the first byte is missing": raw[1:], "a byte is added": raw + b"\0", "a byte is added before": b"\0" + raw,
        "each number is a byte longer": r.to_bytes(size + 1, "big") + s.to_bytes(size + 1, "big"),
        "a bit is changed": raw[:-1] + bytes([raw[-1] ^ 1]), "it is twice there": raw + raw,
    }.items():
        add(f"{alg}, {name}", f"{part}.{b64(bad)}", keys, "signature")
    for name, r_, s_ in (("r is too large by the order", r + order, s), ("s is too large by the order", r, s + order)):
        if max(r_, s_) <= everything:
            add(f"{alg}, {name}", f"{part}.{b64(raw_of(r_, s_))}", keys, "signature")
    # Both s and its negative are signatures; nothing is identified by them here.
    add(f"{alg}, s is negated", f"{part}.{b64(raw_of(r, order - s))}", keys)

# Signatures of EdDSA

keys = key_set(public(ed25519))
part, signature = make({"alg": "EdDSA", "kid": "k"}, ed25519).rsplit(".", 1)
raw = base64.urlsafe_b64decode(signature + "==")
ORDER = 2**252 + 27742317777372353535851937790883648493
big_s = (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little")
for name, bad in {
    "it is empty": b"", "a byte is missing": raw[:-1], "a byte is added": raw + b"\0", "a bit is changed": bytes([raw[0] ^ 1]) + raw[1:],
    "s is too large by the order": raw[:32] + big_s, "s is 0": raw[:32] + bytes(32), "all are zeros": bytes(64),
    "the halves are swapped": raw[32:] + raw[:32], "all bits are set": b"\xff" * 64,
}.items():
    add(f"EdDSA, {name}", f"{part}.{b64(bad)}", keys, "signature")
for name, point in {"the zero point": bytes(32), "the point one": b"\1" + bytes(31)}.items():
    weak = public(ed25519, x=b64(point))
    add(f"EdDSA, the key is {name}, and a good signature of another", f"{part}.{signature}", key_set(weak), "signature")

# Signatures of RSA (Wycheproof: PKCS #1 v1.5 with a damaged padding)

key = rsa[2048]
numbers = native(key).private_numbers()
n, e, d = numbers.public_numbers.n, numbers.public_numbers.e, numbers.d
INFO = bytes.fromhex("3031300d060960864801650304020105000420")
NO_NULL = bytes.fromhex("302f300b0609608648016503040201" "0420")
INFO_384 = bytes.fromhex("3041300d060960864801650304020205000430")


def raw_rsa(encode):
    """Signs whatever `encode` makes of the hash, filled up to the size of the modulus."""
    def sign(data):
        return pow(int.from_bytes(encode(hashlib.sha256(data).digest()), "big"), d, n).to_bytes(256, "big")
    return sign


def padded(info, before=b"\0\1", fill=b"\xff", zero=b"\0", behind=b""):
    rest = 256 - len(before) - len(zero) - len(info) - len(behind)
    return before + fill * rest + zero + info + behind


add("RS256 made by hand", with_signature({"alg": "RS256"}, raw_rsa(lambda h: padded(INFO + h))), RSA_PEM)
for name, encode in {
    "no NULL in the algorithm": lambda h: padded(NO_NULL + h),
    "the name of another hash": lambda h: padded(INFO_384[:-1] + b"\x20" + h),
    "no name of a hash": lambda h: padded(h),
    "block type 0": lambda h: padded(INFO + h, before=b"\0\0", fill=b"\0"),
    "block type 2": lambda h: padded(INFO + h, before=b"\0\2", fill=b"\x17"),
    "first byte 1": lambda h: padded(INFO + h, before=b"\1\1"),
    "a padding of another byte": lambda h: padded(INFO + h, fill=b"\xfe"),
    "a zero amid the padding": lambda h: b"\0\1" + b"\xff" * 100 + b"\0" + padded(INFO + h)[103:],
    "no zero behind the padding": lambda h: padded(INFO + h, zero=b"\xff"),
    "a padding of eight, and bytes behind the hash": lambda h: (b"\0\1" + b"\xff" * 8 + b"\0" + INFO + h).ljust(256, b"\0"),
    "no padding, and bytes behind the hash": lambda h: (b"\0\1\0" + INFO + h).ljust(256, b"\0"),
    "a byte behind the hash": lambda h: padded(INFO + h, behind=b"\0"),
    "a byte in the algorithm's parameters": lambda h: padded(bytes.fromhex("3032300e06096086480165030402010500000420") + h),
    "a length in long form": lambda h: padded(bytes.fromhex("308131300d060960864801650304020105000420") + h),
    "an empty hash": lambda h: padded(INFO[:-1] + b"\0"),
    "nothing": lambda h: b"",
}.items():
    add(f"RS256, {name}", with_signature({"alg": "RS256"}, raw_rsa(encode)), RSA_PEM, "signature")
part, signature = make({"alg": "RS256"}, key).rsplit(".", 1)
raw = base64.urlsafe_b64decode(signature + "==")
value = int.from_bytes(raw, "big")
for name, bad in {
    "it is empty": b"", "a byte is missing": raw[:-1], "a byte is added": raw + b"\0", "a zero is added before": b"\0" + raw,
    "a bit is changed": raw[:-1] + bytes([raw[-1] ^ 1]), "it is 0": bytes(256), "it is 1": bytes(255) + b"\1",
    "it is the modulus": n.to_bytes(256, "big"), "it is one below the modulus": (n - 1).to_bytes(256, "big"), "all bits are set": b"\xff" * 256,
}.items():
    add(f"RS256, {name}", f"{part}.{b64(bad)}", RSA_PEM, "signature")
if value + n < 2**2048:
    add("RS256, it is too large by the modulus", f"{part}.{b64((value + n).to_bytes(256, 'big'))}", RSA_PEM, "signature")
for count in range(100_000):
    token = with_signature({"alg": "RS256"}, rs(key, "256"), b'{"sub":"42","jti":"%d"}' % count)
    part, signature = token.rsplit(".", 1)
    raw = base64.urlsafe_b64decode(signature + "==")
    if raw[0] == 0:
        add("RS256, a signature that begins with zero", token, RSA_PEM)
        add("RS256, that zero left out", f"{part}.{b64(raw[1:])}", RSA_PEM, "signature")
        break

# The envelope

sign = rs(rsa[2048], "256")
good = with_signature({"alg": "RS256"}, sign)
head, claims, signature = good.split(".")
for name, bad in {
    "two parts": f"{head}.{claims}", "four parts": f"{good}.x", "five parts": f"{good}.x.y", "one part": head, "nothing": "",
    "padding": f"{head}=.{claims}.{signature}", "padding of the signature": f"{good}==", "a line break": f"{good}\n", "a space": f" {good}",
    "a break in a part": f"{head[:5]}\n{head[5:]}.{claims}.{signature}", "base64 instead of base64url": f"{head}.{claims}.{signature[:-2]}+/",
    "a byte of zero": f"{head}\0.{claims}.{signature}",
    "JSON": json.dumps({"protected": head, "payload": claims, "signature": signature}),
    "JSON of several": json.dumps({"payload": claims, "signatures": [{"protected": head, "signature": signature}]}),
}.items():
    add(f"form: {name}", bad, RSA_PEM, "form")
# 256 bytes end in four bits that mean nothing: set, they would be another text for the same signature.
last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
add("form: bits behind the end", good[:-1] + last[last.index(good[-1]) | 1], RSA_PEM, "form")
add("header: points alone", "..", RSA_PEM, "header")
add("other claims under the signature", ".".join([head, b64(b'{"sub":"43"}'), signature]), RSA_PEM, "signature")
add("another header under the signature", ".".join([b64(b'{"alg":"RS256" }'), claims, signature]), RSA_PEM, "signature")
add("no claims under the signature", f"{head}..{signature}", RSA_PEM, "signature")
for name, header in {
    "not an object": b'"RS256"', "a list": b'["RS256"]', "not JSON": b"alg", "empty": b"", "null": b"null", "two objects": b'{"alg":"RS256"}{}',
    "text behind it": b'{"alg":"RS256"}x', "cut": b'{"alg":"RS256"', "a comma too much": b'{"alg":"RS256",}', "no UTF-8": b'{"alg":"RS256","x":"\xff"}',
    "alg twice": b'{"alg":"RS256","alg":"RS256"}', "alg twice, the second none": b'{"alg":"RS256","alg":"none"}',
    "alg twice, the first none": b'{"alg":"none","alg":"RS256"}', "alg twice, once escaped": b'{"alg":"RS256","\\u0061lg":"RS256"}',
    "kid twice": b'{"alg":"RS256","kid":"k","kid":"l"}', "typ twice": b'{"alg":"RS256","typ":"JWT","typ":"JWT"}',
    "no alg": b'{"typ":"JWT"}', "alg in capitals": b'{"ALG":"RS256"}', "alg null": b'{"alg":null}', "alg a number": b'{"alg":256}',
    "alg a list": b'{"alg":["RS256"]}', "alg an object": b'{"alg":{"name":"RS256"}}', "alg true": b'{"alg":true}',
    "kid a number": b'{"alg":"RS256","kid":1}', "kid a list": b'{"alg":"RS256","kid":["k"]}', "kid an object": b'{"alg":"RS256","kid":{}}',
    "kid true": b'{"alg":"RS256","kid":true}',
    "crit": b'{"alg":"RS256","crit":["exp"],"exp":1}', "crit empty": b'{"alg":"RS256","crit":[]}', "crit of an unknown name": b'{"alg":"RS256","crit":["x"]}',
    "b64 false": b'{"alg":"RS256","b64":false}', "b64 false and crit": b'{"alg":"RS256","b64":false,"crit":["b64"]}',
}.items():
    add(f"header: {name}", with_signature(header, sign), RSA_PEM, "header")
attached = other["RSA"]
for name, more in {
    "jwk": {"jwk": public(attached)}, "jku": {"jku": "http://127.0.0.1:9/keys"}, "x5u": {"x5u": "http://127.0.0.1:9/cert"},
    "x5c": {"x5c": ["MIIB"]}, "jwk and a kid of ours": {"jwk": public(attached), "kid": "k"},
}.items():
    add(f"header: a key brought along as {name}", with_signature({"alg": "RS256", **more}, rs(attached, "256")), RSA_PEM, "signature")
    add(f"header: {name} of ours is not needed", with_signature({"alg": "RS256", **more}, sign), RSA_PEM)
add("header: a key brought along, and a set", with_signature({"alg": "RS256", "kid": "k", "jwk": public(attached)}, rs(attached, "256")), key_set(public(rsa[2048])), "signature")
add("header: spaces and unknown names", with_signature(b' { "alg" : "RS256" , "x" : [ 1 ] , "typ" : 7 } ', sign), RSA_PEM)
add("header: alg with escapes", with_signature(b'{"alg":"R\\u0053256"}', sign), RSA_PEM)
for name, claims in {"a list": b"[]", "not JSON": b"sub", "null": b"null", "text behind them": b"{}x", "empty": b"", "a string": b'"42"'}.items():
    add(f"claims: {name}", with_signature({"alg": "RS256"}, sign, claims), RSA_PEM, "claims")

# Keys of a set

by_rsa, by_ec, by_ed = (make({"alg": alg, "kid": "k"}, ALL[alg]) for alg in ("RS256", "ES256", "EdDSA"))
weak = with_signature({"alg": "RS256", "kid": "k"}, rs(rsa[1024], "256"))
add("set: RSA with 1024 bits", weak, key_set(public(rsa[1024])), "key")
add("RSA with 1024 bits in PEM", weak, {"pem": [pem(rsa[1024])]}, "key")
n_bytes = n.to_bytes(256, "big")
for name, bad in {
    "use is enc": {"use": "enc"}, "use is of capitals": {"use": "SIG"}, "use is empty": {"use": ""}, "use is a list": {"use": ["sig"]},
    "key_ops without verify": {"use": None, "key_ops": ["sign"]}, "key_ops for encryption": {"use": None, "key_ops": ["encrypt", "wrapKey"]},
    "key_ops empty": {"key_ops": []}, "key_ops a string": {"key_ops": "verify"}, "use sig, but key_ops sign": {"key_ops": ["sign"]},
    "alg of another hash": {"alg": "RS384"}, "alg of another family": {"alg": "ES256"}, "alg of a shared key": {"alg": "HS256"},
    "alg none": {"alg": "none"}, "alg of PSS": {"alg": "PS256"}, "alg of encryption": {"alg": "RSA-OAEP"}, "alg empty": {"alg": ""}, "alg a number": {"alg": 256},
    "kty in small letters": {"kty": "rsa"}, "kty of another": {"kty": "EC"}, "kty oct": {"kty": "oct"}, "kty unknown": {"kty": "AKP"}, "no kty": {"kty": None},
    "kty a list": {"kty": ["RSA"]}, "a private exponent": {"d": number(d)}, "a prime": {"p": number(numbers.p)}, "other primes": {"oth": [{"r": "AQ"}]},
    "a shared secret": {"k": "AAAA"}, "no n": {"n": None}, "no e": {"e": None}, "n a number": {"n": 5}, "n empty": {"n": ""}, "e empty": {"e": ""},
    "n with padding": {"n": base64.urlsafe_b64encode(n_bytes).decode()}, "n in base64": {"n": base64.b64encode(b"\xfb\xff" + n_bytes[2:]).decode().rstrip("=")},
    "n even": {"n": number(n - 1)}, "n zero": {"n": "AA"}, "n of 16384 bits": {"n": number(2**16383 + 1)}, "n of 2047 bits": {"n": number(2**2046 + 1)},
    "n of zeros": {"n": b64(bytes(256))}, "e is 1": {"e": "AQ"}, "e is 0": {"e": "AA"}, "e is 2": {"e": "Ag"}, "e is even": {"e": number(65536)},
    "e of 33 bits": {"e": number(2**32 + 1)}, "e of 2048 bits": {"e": number(n - 2)}, "e is larger than n": {"e": number(n + 2)},
}.items():
    add(f"set: RSA, {name}", by_rsa, key_set(public(rsa[2048], **bad)), "key")
for name, also in {
    "zeros before n": {"n": b64(bytes(2) + n_bytes)}, "zeros before e": {"e": b64(b"\0\1\0\1")}, "no use": {"use": None}, "key_ops verify": {"key_ops": ["verify"]},
    "key_ops of both": {"use": None, "key_ops": ["sign", "verify"]}, "unknown members": {"x5t": "abc", "x5c": ["MIIB"], "ext": True, "y": 1},
    "use null": {"use": None},
}.items():
    add(f"set: RSA, {name}, is good", by_rsa, key_set(public(rsa[2048], **also)))
twisted = jwk.JWK.generate(kty="EC", crv="P-256")
p256 = public(ecdsa["P-256"])
coordinate = lambda key, name: base64.urlsafe_b64decode(public(key)[name] + "==")
x, y = coordinate(ecdsa["P-256"], "x"), coordinate(ecdsa["P-256"], "y")
for name, bad in {
    "a point beside the curve": {"y": b64(y[:-1] + bytes([y[-1] ^ 1]))}, "x of another point": {"x": public(twisted)["x"]},
    "coordinates swapped": {"x": b64(y), "y": b64(x)}, "both are zero": {"x": b64(bytes(32)), "y": b64(bytes(32))}, "y is zero": {"y": b64(bytes(32))},
    "coordinates beyond the field": {"x": b64(b"\xff" * 32), "y": b64(b"\xff" * 32)}, "x too long": {"x": b64(b"\1" + x)}, "x too long by a zero": {"x": b64(b"\0" + x)},
    "x cut": {"x": b64(x[:-1])}, "no x": {"x": None}, "no y": {"y": None}, "y empty": {"y": ""}, "x a number": {"x": 5}, "crv of another": {"crv": "P-384"},
    "crv in small letters": {"crv": "p-256"}, "crv by its other name": {"crv": "secp256r1"}, "crv unknown": {"crv": "P-257"}, "no crv": {"crv": None},
    "crv of secp256k1": {"crv": "secp256k1"}, "a private number": {"d": b64(x)}, "alg of another curve": {"alg": "ES384"}, "alg of RSA": {"alg": "RS256"},
    "alg of a shared key": {"alg": "HS256"}, "use is enc": {"use": "enc"}, "alg of agreement": {"alg": "ECDH-ES"}, "kty OKP": {"kty": "OKP"}, "kty RSA": {"kty": "RSA"},
}.items():
    add(f"set: ECDSA, {name}", by_ec, key_set(public(ecdsa["P-256"], **bad)), "key")
add("set: ECDSA, a key of secp256k1", by_ec, key_set(public(secp256k1)), "key")
while x[0] != 0:
    short = jwk.JWK.generate(kty="EC", crv="P-256")
    x = coordinate(short, "x")
add("set: ECDSA, a coordinate without its zero at the front, is good", make({"alg": "ES256", "kid": "k"}, short), key_set(public(short, x=b64(x.lstrip(b"\0")))))
ed = coordinate(ed25519, "x")
for name, bad in {
    "a byte is missing": {"x": b64(ed[:-1])}, "a byte is added": {"x": b64(ed + b"\0")}, "no x": {"x": None}, "crv of agreement": {"crv": "X25519"},
    "crv Ed448": {"crv": "Ed448"}, "no crv": {"crv": None}, "crv in small letters": {"crv": "ed25519"}, "alg of ECDSA": {"alg": "ES256"}, "kty EC": {"kty": "EC"},
    "a private number": {"d": b64(ed)}, "use is enc": {"use": "enc"}, "x a list": {"x": [1]},
}.items():
    add(f"set: EdDSA, {name}", by_ed, key_set(public(ed25519, **bad)), "key")

# Which key of a set

ours, theirs = public(rsa[2048]), public(other["RSA"], kid="other")
add("set: one of several", by_rsa, key_set(theirs, ours, public(ed25519, kid="third")))
add("set: one id, two kinds, RS256", by_rsa, key_set(ours, public(ecdsa["P-256"])))
add("set: one id, two kinds, ES256", by_ec, key_set(ours, public(ecdsa["P-256"])))
add("set: one id for two keys, the last counts", by_rsa, key_set(public(other["RSA"]), ours))
add("set: one id for two keys, the first does not count", by_rsa, key_set(ours, public(other["RSA"])), "signature")
add("set: one id, one of them bad", by_rsa, key_set(ours, public(rsa[1024])))
add("set: bad keys beside a good one", by_rsa, {"jwks": {"keys": [5, None, {}, [], {"kty": "RSA"}, {"kid": "k"}, {"kty": "oct", "k": "AA", "kid": "o"}, public(ecdsa["P-256"], kid="x", y=None), ours]}})
add("set: the id is another's", make({"alg": "RS256", "kid": "other"}, rsa[2048]), key_set(ours, theirs), "signature")
add("set: no key has the id", make({"alg": "RS256", "kid": "unknown"}, rsa[2048]), key_set(ours, theirs), "key")
add("set: the id is in capitals", make({"alg": "RS256", "kid": "K"}, rsa[2048]), key_set(ours), "key")
add("set: the token names no key", make({"alg": "RS256"}, rsa[2048]), key_set(ours), "header")
add("set: the token's id is empty", make({"alg": "RS256", "kid": ""}, rsa[2048]), key_set(public(rsa[2048], kid="")), "header")
add("set: the token's id is null", with_signature(b'{"alg":"RS256","kid":null}', sign), key_set(ours), "header")
add("set: the key's id is a number", make({"alg": "RS256", "kid": "1"}, rsa[2048]), key_set(public(rsa[2048], kid=1)), "key")
add("set: the key has no id", by_rsa, key_set(public(rsa[2048], kid=None)), "key")
add("set: it is empty", by_rsa, key_set(), "key")
# A set is text here: a member twice is nothing that Python's objects could hold.
twice = json.dumps({"keys": [ours]})
add("set: a key with n twice", by_rsa, {"jwks_text": twice.replace('"n":', '"n": "AQAB", "n":')}, "key")
for name, bad in {
    "keys twice": twice[:-1] + ', "keys": []}', "no keys": "{}", "keys an object": '{"keys": {}}', "keys null": '{"keys": null}', "a list": "[]", "a key alone": json.dumps(ours),
    "not JSON": "<html>", "empty": "", "text behind it": twice + "x", "cut": twice[:-3], "KEYS": twice.replace("keys", "KEYS"),
}.items():
    add(f"set: {name}", by_rsa, {"jwks_text": bad}, "set")

assert math.gcd(e, 2) == 1
path = pathlib.Path(__file__).with_name("signatures.json")
pool, refs = [], {}
for vector in vectors:
    pem_keys = vector["keys"].get("pem")
    if pem_keys:
        for key in pem_keys:
            if key not in refs:
                refs[key] = len(pool)
                pool.append(key)
        vector["keys"] = {**vector["keys"], "pem": [refs[key] for key in pem_keys]}
lines = ",\n".join(json.dumps(vector, ensure_ascii=True) for vector in vectors)
path.write_text(f'{{"pem":{json.dumps(pool)},\n"vectors":[\n{lines}\n]}}\n')
print(f"{len(vectors)} vectors, {sum('fails' not in it for it in vectors)} of them good, in {path.name}")
