"""Reads one structured field (a list, RFC 9651) a line, and writes what it has read as JSON."""

import json
import sys

import http_sf

read = []
for line in sys.stdin.buffer:
    members = http_sf.parse(line.strip(), tltype="list")
    read.append([[name, dict(parameters)] for name, parameters in members])
json.dump(read, sys.stdout)
