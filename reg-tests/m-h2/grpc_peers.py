#!/usr/bin/env python3
"""A gRPC server and client through a proxy. grpc_peers.py serve PORTFILE | ask PORT."""
import sys
import threading
from concurrent import futures

import grpc


def same(data):
    return data


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/t.T/Unary":
            return grpc.unary_unary_rpc_method_handler(self.unary, same, same)
        if details.method == "/t.T/Stream":
            return grpc.stream_stream_rpc_method_handler(self.stream, same, same)
        return None

    def unary(self, request, context):
        context.set_trailing_metadata((("x-trailer", "t"),))
        if request == b"fail":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as asked")
        return request * 2

    def stream(self, requests, context):
        for request in requests:
            yield request.upper()


def serve(path):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with open(path, "w") as file:
        file.write(str(port))
    server.wait_for_termination(60)


def ask(port):
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=(("grpc.enable_http_proxy", 0),))
    unary = channel.unary_unary("/t.T/Unary", same, same)
    answer, call = unary.with_call(b"x" * 100000, timeout=10)
    assert answer == b"x" * 200000
    assert ("x-trailer", "t") in [tuple(item) for item in call.trailing_metadata()]
    try:
        unary(b"fail", timeout=10)
        raise SystemExit("did not fail")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION and error.details() == "as asked", error
    gates = [threading.Semaphore(1), threading.Semaphore(0), threading.Semaphore(0)]

    def say():
        for gate, word in zip(gates, (b"a", b"b", b"c")):
            gate.acquire()
            yield word

    got = []
    for answer in channel.stream_stream("/t.T/Stream", same, same)(say(), timeout=10):
        got.append(answer)
        if len(got) < 3:
            gates[len(got)].release()
    assert got == [b"A", b"B", b"C"], got
    print("fine")


serve(sys.argv[2]) if sys.argv[1] == "serve" else ask(int(sys.argv[2]))
