# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server under load: Python's own, and 200 requests for a page by four clients."""
import http.client
import http.server
import threading

PAGE = b"x" * 4096


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()


def client():
    for _ in range(50):
        connection = http.client.HTTPConnection(*server.server_address)
        connection.request("GET", "/")
        assert connection.getresponse().read() == PAGE
        connection.close()


clients = [threading.Thread(target=client) for _ in range(4)]
for one in clients:
    one.start()
for one in clients:
    one.join()
server.shutdown()
