"""Reads a stream with httpx-sse, which leaves coming again to its caller, and prints the id and the data of each tweet."""

import sys
import time

import httpx
import httpx_sse

last, retry = "", 3.0
while True:
    try:
        with httpx.Client(timeout=httpx.Timeout(10, read=60)) as client:
            headers = {"Last-Event-ID": last} if last else {}
            with httpx_sse.connect_sse(client, "GET", sys.argv[1], headers=headers) as source:
                for event in source.iter_sse():
                    last = event.id or last
                    retry = event.retry / 1000 if event.retry else retry
                    if event.event == "message" and event.data:
                        print(event.id, event.data, flush=True)
    except httpx.TransportError as error:
        print(error, file=sys.stderr)
    time.sleep(retry)
