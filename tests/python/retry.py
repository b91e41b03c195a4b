"""A client that knows nothing of us but Retry-After: requests with urllib3's Retry.

Arguments: the URL, the token, and how many requests to make. Writes, as JSON, the statuses that came in their
order, those that Retry has hidden included, and the seconds that it all took.
"""

import json
import sys
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry


class Telling(Retry):
    """Retry, which also notes each answer that it retries. Its copies share the notes."""

    seen = []

    def increment(self, method=None, url=None, response=None, *args, **kwargs):
        if response is not None:
            self.seen.append(response.status)
        return super().increment(method, url, response, *args, **kwargs)


url, token, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
# Without a backoff of its own: it waits for what Retry-After says and for nothing else.
retry = Telling(total=1, status=1, backoff_factor=0, status_forcelist=[429], respect_retry_after_header=True)
session = requests.Session()
session.trust_env = False
session.mount("http://", HTTPAdapter(max_retries=retry))
session.headers["Authorization"] = f"Bearer {token}"

begin = time.monotonic()
for _ in range(number):
    # A second 429 in a row raises: there is only one retry.
    response = session.get(url, timeout=10)
    Telling.seen.append(response.status_code)
json.dump({"statuses": Telling.seen, "seconds": time.monotonic() - begin}, sys.stdout)
