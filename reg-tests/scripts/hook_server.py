"""An HTTP server for POSTs on a free port; prints path, authorization and the body's JSON. usage: PORT_FILE FAILURES [CERTIFICATE]"""
import http.server, json, ssl, sys

failures = int(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global failures
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status = 503 if failures > 0 else 204
        failures -= 1
        print(status, self.path, self.headers.get("authorization"), self.headers["content-type"], json.dumps(body), flush=True)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(sys.argv[1], "w") as f:
    f.write(str(server.server_address[1]))
server.serve_forever()
