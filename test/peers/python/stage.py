"""Where the clients find the sidecar, and what its provider has heard."""

import json
import os
import time
import urllib.request

OPENAI = os.environ["STAGE_OPENAI"]
ANTHROPIC = os.environ["STAGE_ANTHROPIC"]
CALLS = os.environ["STAGE_CALLS"]
ATTEMPTS = int(os.environ["STAGE_ATTEMPTS"])

KEY = "of-the-application"
MODEL = "assistant"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SEEN = "Images of 70 bytes"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

# What a provider says and what the configuration forbids: model, text, status.
REFUSED = [
    (MODEL, "status 400", 400),
    ("forbidden", "hello", 403),
    ("unheard-of", "hello", 404),
    (MODEL, "status 500", 500),
    (MODEL, "status 429", 429),
]


def heard(text, seconds=20):
    """The provider's calls with this text, once one of them has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with urllib.request.urlopen(CALLS) as answer:
            calls = [call for call in json.load(answer) if text in call["text"]]
        if any(call["endedBy"] != "nobody" for call in calls):
            return calls
        time.sleep(0.02)
    raise AssertionError(f"the provider still works on '{text}'")


def left(text):
    """The provider has noticed that the caller is gone."""
    assert heard(text)[0]["endedBy"] == "caller", heard(text)


def tried(text):
    """The SDK's own repetitions have not multiplied the ambassador's."""
    calls = heard(text)
    assert len(calls) == ATTEMPTS, calls


def said(names):
    """What the provider makes of the tools' answers."""
    return "The tools say: " + ", ".join(f"{name} of simulated" for name in names)


def raises(kind, function):
    """What was raised; it has to be of `kind`."""
    try:
        function()
    except kind as error:
        return error
    raise AssertionError(f"nothing was raised, {kind} was expected")
