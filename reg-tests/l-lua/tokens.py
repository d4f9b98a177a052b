"""For examples.vtc: writes tokens to files of a folder."""
import base64, hashlib, hmac, json, sys, time
def enc(b): return base64.urlsafe_b64encode(b).rstrip(b"=")
def token(claims, key=b"the-secret", alg="HS256"):
    head = enc(json.dumps({"alg": alg, "typ": "JWT"}).encode()) + b"." + enc(json.dumps(claims).encode())
    return (head + b"." + enc(hmac.new(key, head, hashlib.sha256).digest())).decode()
now = int(time.time())
good = {"sub": "joe", "aud": "my-api", "exp": now + 600}
for name, text in {"good": token(good), "late": token(dict(good, exp=now - 1)), "other": token(dict(good, aud="x")),
                   "forged": token(good, b"guess"), "none": token(good, alg="none")}.items():
    with open(sys.argv[1] + "/" + name, "w") as f: f.write(text)
