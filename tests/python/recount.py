"""Counts a log in the combined format by itself, and writes what it has counted as JSON. Argument: the file."""

import collections
import datetime
import json
import re
import sys

LINE = re.compile(
    r'(\S+) \S+ (.*?) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)'
)
ID = re.compile(r"\d+|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

tokens = collections.defaultdict(lambda: {"total": 0, "bytes": 0, "statuses": [0] * 5})
endpoints, minutes = collections.Counter(), collections.Counter()
unreadable = lines = now = 0
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    lines += 1
    match = LINE.match(line)
    try:
        client, user, moment, request, status, length = match.groups()
        moment = datetime.datetime.strptime(moment, "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except (AttributeError, ValueError):
        unreadable += line != "\n"
        continue
    now = max(now, moment)
    minutes[now // 60 * 60] += 1
    token = tokens[client if user == "-" else user]
    token["total"] += 1
    token["bytes"] += 0 if length == "-" else int(length)
    token["statuses"][int(status) // 100 - 1] += 1
    method, target, _ = request.split(" ")
    parts = target.split("?")[0].split("/")
    endpoints[f"{method} " + "/".join("{id}" if ID.fullmatch(part) else part for part in parts)] += 1

first = now // 60 * 60 - 1439 * 60
json.dump(
    {
        "lines": lines,
        "unreadable": unreadable,
        "tokens": tokens,
        "endpoints": endpoints,
        "minutes": {int(minute): calls for minute, calls in minutes.items() if minute >= first},
    },
    sys.stdout,
)
