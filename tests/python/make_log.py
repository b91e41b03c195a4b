"""Writes a log in the combined format, the same for the same arguments.

Arguments: the file, the number of lines, of users and of endpoints, and the seed. Users and endpoints are called
as often as their place in a list tells (Zipf's law), over three days. One line in 500 cannot be read.
"""

import bisect
import itertools
import random
import sys
import time

path, lines, users, endpoints, seed = sys.argv[1], *map(int, sys.argv[2:6])
chance = random.Random(seed)


def choice_by_rank(number):
    weights = list(itertools.accumulate(1 / (place + 10) for place in range(number)))
    return lambda: bisect.bisect(weights, chance.random() * weights[-1])


user, endpoint = choice_by_rank(users), choice_by_rank(endpoints)
words = ["orders", "products", "customers", "webhooks", "reports"]
forms = [
    lambda: str(chance.randrange(10**9)),
    lambda: f"{chance.getrandbits(128):032x}",
    lambda: f"{chance.getrandbits(32):08x}-0a1b-4c2d-8e3f-{chance.getrandbits(48):012x}",
]
agents = ["curl/8.5.0", "python-requests/2.32", "Mozilla/5.0 (X11; \\\"quoted\\\") Gecko/20100101", "-"]
statuses = [200] * 80 + [201] * 6 + [304] * 5 + [404] * 5 + [401, 422, 500, 503]
broken = ["", "not a line of a log", '1.2.3.4 - - [99/Foo/2027:00:00:00 +0000] "GET / HTTP/1.1" 200 1', "\x16\x03\x01\\x00"]
start, span = 1_800_000_000, 3 * 86_400

with open(path, "w", encoding="utf-8", newline="\n") as log:
    for place in range(lines):
        if chance.random() < 0.002:
            log.write(chance.choice(broken) + "\n")
            continue
        # Some lines are written a little late, as servers do.
        second = start + place * span // lines - (chance.randrange(90) if chance.random() < 0.01 else 0)
        moment = time.strftime("%d/%b/%Y:%H:%M:%S", time.gmtime(second + 7_200))
        who = user()
        name = f"user{who}" if who % 5 else "-"
        address = f"10.{who >> 16 & 255}.{who >> 8 & 255}.{who & 255}" if who % 7 else f"2001:db8::{who:x}"
        if who % 5 and chance.random() < 0.3:
            address = f"198.51.100.{chance.randrange(256)}"
        what = endpoint()
        method = ("GET", "GET", "GET", "POST", "DELETE")[what % 5]
        target = f"/{words[what % len(words)]}/e{what}/{chance.choice(forms)()}?page={chance.randrange(9)}"
        status = chance.choice(statuses)
        length = "-" if status == 304 else chance.randrange(50_000)
        took = chance.lognormvariate(-4, 1)
        log.write(
            f'{address} - {name} [{moment} +0200] "{method} {target} HTTP/1.1" {status} {length} '
            f'"-" "{agents[who % len(agents)]}" {took:.3f}\n'
        )
