"""Lints the OpenAPI document of a running service, and has schemathesis try the API against it.

    fuzz.py URL EXAMPLES SEED [ARGUMENTS FOR schemathesis run...] < TOKEN

URL is where the API is mounted, by the address of a machine; its Host is acme.localhost. TOKEN is the text
of a token that may manage.

No request reaches the token that the run itself uses: whatever way schemathesis has learned its id, the id
of nobody's token takes its place in the last moment before a request is sent. So it stays what it is, and
each finding is one of the API and not of a run that has revoked its own token. An answer 429 is never seen
either: it is waited for and asked again.
"""

import datetime
import io
import json
import os
import re
import sys
import tempfile
import time

import requests
import schemathesis
from hypothesis import strategies
from openapi_spec_validator import validate
from schemathesis.cli import schemathesis as command

URL, EXAMPLES, SEED, *MORE = sys.argv[1:]
HEADERS = {"Host": "acme.localhost", "Authorization": f"Bearer {sys.stdin.readline().strip()}"}
# No token has this id. It is as long as the other, so that no length changes.
NOBODY = "tok_" + "A" * 16


def ask(path):
    answer = requests.get(URL + path, headers=HEADERS, timeout=30)
    answer.raise_for_status()
    return answer.json()


OWN = ask("/me")["actor"]["token"]
assert len(OWN) == len(NOBODY)
DOCUMENT = ask("/openapi.json")
validate(DOCUMENT)


answers = {}
passed_on = requests.Session.send


def send(self, request, **options):
    request.url = request.url.replace(OWN, NOBODY)
    if isinstance(request.body, bytes):
        request.body = request.body.replace(OWN.encode(), NOBODY.encode())
    elif isinstance(request.body, str):
        request.body = request.body.replace(OWN, NOBODY)
    is_stream = "/calls/stream" in request.url
    if is_stream:
        # What is left of a stream must not be taken for the answer to another request.
        request.headers["Connection"] = "close"
        options["stream"] = True
    while True:
        answer = passed_on(self, request, **options)
        if is_stream and answer.headers.get("Content-Type") == "text/event-stream":
            # It does not end by itself: its first events are what is looked at.
            text = b""
            while text.count(b"\n\n") < 2:
                text += answer.raw.read1()
            read_again = io.BytesIO(text).read1
            answer.raw.read1 = lambda size=-1, **_: read_again(size)
            answer.raw.stream = lambda *_, **__: iter([read_again()])
        answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
        if answer.status_code != 429:
            return answer
        time.sleep(int(answer.headers["Retry-After"]))


requests.Session.send = send


def at(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# The API takes the years from 1970 on.
moments = strategies.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2100, 1, 1))
schemathesis.openapi.format("date-time", moments.map(at))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes right what a schema cannot say: how parameters stand to each other, to now and to an answer."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # Of a pattern in a header the longest and the shortest text are made without regard for it.
    if case.headers and not re.fullmatch('"[0-9]{1,18}"', case.headers.get("If-Match", '"1"')):
        del case.headers["If-Match"]
    if not case.query:
        return
    # A cursor is signed: one that is made up is none.
    case.query.pop("cursor", None)
    if case.operation.label == "GET /tokens/{id}/impact":
        only_what_the_action_takes(case.query)
    # A range is at most ten years long, ends after it begins, and begins before now. One end alone stays as
    # it was made where it can be right by itself.
    now = at(datetime.datetime.now(datetime.timezone.utc))
    if case.query.get("from") and case.query.get("to"):
        case.query["from"], case.query["to"] = sorted((case.query["from"], case.query["to"]))
    if case.query.get("from"):
        is_of_figures = case.operation.label.endswith(FIGURES)
        earliest = at(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=3_600))
        case.query["from"] = min(case.query["from"], now)
        if is_of_figures:
            case.query["from"] = max(case.query["from"], earliest)
        if case.query.get("to"):
            case.query["to"] = max(case.query["from"], case.query["to"])
    # So long a range has too many steps of most lengths.
    if case.query.get("from"):
        case.query.pop("step", None)


# Whose range is bounded.
FIGURES = ("/usage", "/timeseries", "/endpoints", "/clients", "/scopes")

# What `action` takes beside it, and something that is right where nothing of it was made.
TAKEN = {
    "remove_scopes": (["scope"], {"scope": ["orders:read"]}),
    "rate_limit": (["per_minute"], {"per_minute": 10}),
    "expiry": (["expires_at"], {"expires_at": "2027-01-01T00:00:00Z"}),
}


def only_what_the_action_takes(query):
    names, usual = TAKEN.get(query.get("action"), ([], {}))
    kept = {name: query[name] for name in names if query.get(name)}
    for name in ("scope", "per_minute", "per_hour", "per_day", "expires_at", "expires_in"):
        query.pop(name, None)
    query.update(kept or usual)


# A token that is another one by now, gone, or revoked: whether it is, no schema says.
STATES = '"2xx", "401", "403", "404", "409", "412"'
# What stands against a body besides: the catalogue of the service, and now.
FIELDS = f'{STATES}, "422"'
CONFIGURATION = f"""
[checks]
positive_data_acceptance.expected-statuses = [{STATES}, "503"]
""" + "".join(
    f"""
[[operations]]
include-operation-id = "{operation}"
checks.positive_data_acceptance.expected-statuses = [{FIELDS}]
"""
    for operation in ("createToken", "changeToken", "pauseToken", "setSecretEnd")
)

with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for name, text in (("document.json", json.dumps(DOCUMENT)), ("schemathesis.toml", CONFIGURATION)):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    arguments = ["--config-file", "schemathesis.toml", "run", "document.json", "--url", URL]
    arguments += ["--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure"]
    arguments += ["--no-color", "--request-timeout", "10", "--suppress-health-check", "all", *MORE]
    for name, value in HEADERS.items():
        arguments += ["--header", f"{name}: {value}"]
    try:
        command.main(arguments, standalone_mode=True)
        code = 0
    except SystemExit as ended:
        code = ended.code or 0

print("answers by status:", dict(sorted(answers.items())))
ask("/me")
assert answers.get(200, 0) > 100 and answers.get(201, 0) > 0, "the run was hollow"
sys.exit(code)
